// How many columns of a terminal a text takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidegate {

/// Columns of one character: 0 for combining marks and control characters, 2 for East Asian wide ones and
/// emoji, else 1. Source: Unicode Standard Annex #11 (wide and fullwidth blocks), coarse: whole blocks.
int columns_of(char32_t character);

/// Columns of a UTF-8 text without escape sequences. A byte that is not UTF-8 counts as one.
std::size_t display_width(std::string_view text);

/// `text` in at most `columns` columns, cut at a character with "…" as its last column when it is too long.
/// Control characters and bytes that are not UTF-8 become '?', so that the result cannot move a cursor.
std::string fit_columns(std::string_view text, std::size_t columns);

/// fit_columns, filled up with blanks to exactly `columns`.
std::string pad_columns(std::string_view text, std::size_t columns);

}  // namespace tidegate
