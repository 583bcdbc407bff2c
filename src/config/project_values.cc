#include "config/project_values.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::config {
namespace {

constexpr Seconds kDay{24 * 3600};
constexpr int kMostKept = 100;

bool has_dots(std::string_view path) {
  const auto parts = split(path, '/');
  return std::ranges::any_of(parts, [](const std::string& part) { return part == ".." || part == "."; });
}

}  // namespace

bool only(std::string_view text, std::initializer_list<std::string_view> sets) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return std::ranges::any_of(sets,
                               [&](std::string_view set) { return set.find(c) != std::string_view::npos; });
  });
}

bool is_name(std::string_view text) {
  return text.size() <= 63 && only(text, {kLower, kDigits, "_-"}) && text.front() != '-';
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_absolute(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && !has_control(path) && !has_dots(path);
}

bool is_relative(std::string_view path) {
  return !path.empty() && path.front() != '/' && path.front() != '-' && !has_control(path) && !has_dots(path);
}

bool is_host(std::string_view text) {
  constexpr std::string_view kScheme = "ssh://";
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    const std::string_view user = text.substr(0, at);
    if (!only(user, {kLower, kUpper, kDigits, "._-"}) || user.front() == '-') return false;
    text.remove_prefix(at + 1);
  }
  std::string_view host = text;
  const auto end = text.starts_with('[') ? text.find(']') : 0;
  if (end == std::string_view::npos) return false;
  if (const auto colon = text.find(':', end); colon != std::string_view::npos) {
    const auto port = parse_integer(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return false;
    host = text.substr(0, colon);
  }
  if (host.starts_with('['))
    return host.ends_with(']') && only(host.substr(1, host.size() - 2), {kDigits, "abcdefABCDEF:."});
  return only(host, {kLower, kUpper, kDigits, "._-"}) && host.front() != '-';
}

std::string read_checked(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                         std::string_view what) {
  const auto value = parent.find(keyword);
  if (!value) return {};
  const auto text = read_string(*value);
  if (!text) return {};
  if (good(*text)) return *text;
  value->error("invalid-value", what);
  return {};
}

std::string read_required(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                          std::string_view what) {
  if (!parent.find(keyword))
    parent.error("missing-keyword", fmt::format("missing required keys: {}", keyword));
  return read_checked(parent, keyword, good, what);
}

bool any_text(std::string_view text) {
  return !text.empty() && text.find('\0') == std::string_view::npos;
}

Seconds read_seconds(const Value& parent, std::string_view keyword, Seconds usual) {
  const auto value = parent.find(keyword);
  if (!value) return usual;
  if (value->node().kind == yaml::Kind::kInt)
    return Seconds{read_integer(*value, 0, kDay.count()).value_or(usual.count())};
  return read_duration(*value, kDay, Seconds{0}).value_or(usual);
}

int read_keep(const Value& parent, int usual) {
  const auto value = parent.find("keep");
  return value ? static_cast<int>(read_integer(*value, 1, kMostKept).value_or(usual)) : usual;
}

std::vector<std::string> read_paths(const Value& parent, std::string_view keyword) {
  const auto value = parent.find(keyword);
  if (!value) return {};
  auto paths = read_strings(*value).value_or(std::vector<std::string>());
  for (const std::string& path : paths)
    if (!is_relative(path))
      value->error("invalid-value",
                   fmt::format("should hold paths below the folder, not \"{}\"", printable(path)));
  return paths;
}

}  // namespace tidegate::config
