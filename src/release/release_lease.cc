#include "release/release_lease.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::release {

std::string write_lease(const Lease& lease) {
  return fmt::format("{} {} {}", lease.token, lease.expires, lease.owner);
}

std::optional<Lease> parse_lease(std::string_view line) {
  const auto text = trim(line);
  const auto first = text.find(' ');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find(' ', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto expires = parse_integer(text.substr(first + 1, second - first - 1));
  if (!expires) return std::nullopt;
  return Lease{std::string(text.substr(0, first)), *expires, std::string(text.substr(second + 1))};
}

Status may_take(std::string_view line, std::string_view owner, std::int64_t host_now,
                const Journal& journal) {
  const auto held = parse_lease(line);
  if (!held || held->owner == owner || held->expires <= host_now) return {};
  if (const auto* holder = journal.find(held->owner); holder != nullptr && holder->is_final()) return {};
  return fail(
      Errc::kConflict,
      fmt::format("deployment {} is at work on this target; its lease ends in {} unless it is renewed",
                  printable(held->owner), format_duration(Seconds{held->expires - host_now})));
}

}  // namespace tidegate::release
