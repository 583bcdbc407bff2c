// Words and look-ups that the parts of Deliveries share.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "base/result.h"
#include "config/project_file.h"

namespace tidegate::app {

/// Delivery::state
inline constexpr const char* kLive = "live";
inline constexpr const char* kRunning = "running";
inline constexpr const char* kFailed = "failed";
inline constexpr const char* kRolledBack = "rolled_back";

/// Each on a line of its own, below what stands before.
inline std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += "\n  " + line;
  return out;
}

/// What a delivery calls the place of a target: its hosts, the canary first, and the folder on them.
inline std::string place_of(const config::Target& target) {
  std::string hosts;
  for (const std::string& host : target.hosts) hosts += (hosts.empty() ? "" : " ") + host;
  return hosts + target.path;
}

template <class T>
const T* by_name(const std::vector<T>& list, const std::string& name) {
  const auto found = std::ranges::find(list, name, &T::name);
  return found == list.end() ? nullptr : &*found;
}

template <class T>
Error unknown(std::string_view what, const std::string& name, const std::vector<T>& list) {
  std::string names;
  for (const T& item : list) names += (names.empty() ? "" : ", ") + item.name;
  return fail(Errc::kNotFound, fmt::format("tidegate.yml has no {} \"{}\"; it has: {}", what, name,
                                           names.empty() ? "none" : names));
}

}  // namespace tidegate::app
