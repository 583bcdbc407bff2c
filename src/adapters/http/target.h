// The request target ("/a%2Fb?x=1+2") taken apart.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tidegate::http {

struct Target {
  std::string raw_path;               ///< before '?', still encoded
  std::vector<std::string> segments;  ///< decoded one by one: "%2F" stays inside its segment
  std::vector<std::pair<std::string, std::string>> query;  ///< decoded, '+' is a space
};

/// Origin form ("/path?query"), absolute form ("http://host/path") and "*". kInvalid: anything else, a '%'
/// without two hex digits, NUL, or a segment "." or ".." in any spelling (clients resolve those themselves;
/// here they would be somebody probing).
Result<Target> parse_target(std::string_view target);

/// "a=1&b=x+y" decoded, in order; pairs that do not decode are kept as they are.
std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query);

}  // namespace tidegate::http
