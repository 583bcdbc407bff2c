// Where a part of an element is, for messages.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::release {

/// "/nodes/3/code" below a JSON pointer (RFC 6901: '~' and '/' are escaped); "nodes.csv:4, code" else.
std::string member_place(std::string_view element, std::string_view name);

/// In quotes, printable, cut.
std::string in_quotes(std::string_view text);

}  // namespace tidegate::release
