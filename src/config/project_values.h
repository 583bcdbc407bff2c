// The values that `tidegate.yml` is made of: words, paths, hosts, times. Each check says whether a text is
// one.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/value.h"

namespace tidegate::config {

inline constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
inline constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
inline constexpr std::string_view kDigits = "0123456789";

/// Not empty, and every character is in one of the sets.
bool only(std::string_view text, std::initializer_list<std::string_view> sets);
/// Names become folders, variables and branch names, so they are plain words.
bool is_name(std::string_view text);
bool has_control(std::string_view text);
bool is_absolute(std::string_view path);
/// Inside the folder that it is relative to.
bool is_relative(std::string_view path);
/// ssh://[user@]host[:port]. Nothing that ssh could take for an option.
bool is_host(std::string_view text);
bool any_text(std::string_view text);

/// A string keyword that must pass a test; empty when it is absent or wrong.
std::string read_checked(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                         std::string_view what);
/// The same, and it must be there.
std::string read_required(const Value& parent, std::string_view keyword, bool (*good)(std::string_view),
                          std::string_view what);
/// A duration in words, or a whole number of seconds.
Seconds read_seconds(const Value& parent, std::string_view keyword, Seconds usual);
/// How many are kept: 1 to 100.
int read_keep(const Value& parent, int usual);
std::vector<std::string> read_paths(const Value& parent, std::string_view keyword);

}  // namespace tidegate::config
