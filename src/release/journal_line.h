// One line of a journal: a flat JSON object of texts, {"op":"flip","to":"…"}. Written and read here, without
// a JSON library, because the pure rooms have none and need no more than this.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::release {

/// Keys in order, so that the same fields are the same bytes.
using Fields = std::map<std::string, std::string>;

/// ASCII only, no line break, no apostrophe: everything else is escaped, so that the line survives shells,
/// quotes and any locale. Bytes that are not UTF-8 become U+FFFD.
std::string write_line(const Fields& fields);

/// Nothing when it is anything but such an object, whole: a line of which only a part was written does not
/// parse. Values must be texts; of a repeated key the last counts.
std::optional<Fields> parse_line(std::string_view line);

}  // namespace tidegate::release
