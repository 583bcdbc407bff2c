#include "config/component.h"

#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

using Numbers = std::array<long long, 3>;

/// "1.2.3" and "1.2.3+build" as numbers; nothing for a pre-release and for anything else.
std::optional<Numbers> released_version(std::string_view tag) {
  if (tag.starts_with('v')) tag.remove_prefix(1);
  tag = tag.substr(0, tag.find('+'));
  const auto parts = split(tag, '.');
  if (parts.size() != 3) return std::nullopt;
  Numbers numbers{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = parse_integer(parts[i]);
    if (!number || *number < 0) return std::nullopt;
    numbers.at(i) = *number;
  }
  return numbers;
}

/// "1" and "1.2" as numbers; empty for `~latest`.
std::optional<std::vector<long long>> wanted_prefix(std::string_view version) {
  std::vector<long long> prefix;
  if (version == "~latest") return prefix;
  for (const std::string& part : split(version, '.')) {
    const bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    const auto number = digits ? parse_integer(part) : std::nullopt;
    if (!number) return std::nullopt;
    prefix.push_back(*number);
  }
  return prefix.size() <= 2 ? std::optional(prefix) : std::nullopt;
}

}  // namespace

std::optional<ComponentAddress> parse_component(std::string_view address) {
  const std::size_t at = address.find('@');
  if (at == std::string_view::npos || at + 1 == address.size()) return std::nullopt;
  const std::string_view path = address.substr(0, at);
  const std::size_t first = path.find('/');
  const std::size_t last = path.rfind('/');
  if (first == std::string_view::npos || last <= first + 1 || last + 1 == path.size()) return std::nullopt;
  return ComponentAddress{.host = std::string(path.substr(0, first)),
                          .project = std::string(path.substr(first + 1, last - first - 1)),
                          .name = std::string(path.substr(last + 1)),
                          .version = std::string(address.substr(at + 1))};
}

bool needs_tags(std::string_view version) {
  return wanted_prefix(version).has_value();
}

std::optional<std::string> choose_tag(std::string_view version, const std::vector<std::string>& tags) {
  const auto prefix = wanted_prefix(version);
  if (!prefix) return std::nullopt;
  std::optional<Numbers> best;
  std::optional<std::string> chosen;
  for (const std::string& tag : tags) {
    const auto numbers = released_version(tag);
    if (!numbers || !std::equal(prefix->begin(), prefix->end(), numbers->begin())) continue;
    if (best && *best >= *numbers) continue;
    best = numbers;
    chosen = tag;
  }
  return chosen;
}

bool is_semantic_version(std::string_view tag) {
  return released_version(tag.substr(0, tag.find('-'))).has_value();
}

std::vector<std::string> component_paths(std::string_view name) {
  return {fmt::format("templates/{}.yml", name), fmt::format("templates/{}/template.yml", name)};
}

}  // namespace tidegate::config
