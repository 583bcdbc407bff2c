// Canonical JSON (RFC 8785): one value, one text, so that a hash of the text is a hash of what it says. Whole
// numbers only. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace tidegate::lineage {

struct Value;
using List = std::vector<Value>;
using Object = std::map<std::string, Value>;

struct Value {
  std::variant<std::nullptr_t, bool, std::int64_t, std::string, List, Object> is = nullptr;

  friend bool operator==(const Value&, const Value&) = default;
};

/// Members in the order of their bytes (RFC 8785 sorts by UTF-16, which is the same for the ASCII names
/// here), no white space. Text that is not UTF-8 has its bytes written as \xNN first.
std::string write(const Value& value);

/// Only what write() gives: kInvalid for any other text, were it the same value, and for nesting deeper
/// than 32.
Result<Value> read(std::string_view text);

}  // namespace tidegate::lineage
