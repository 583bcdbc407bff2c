#include "base/width.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tidegate {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Combining marks and other characters that take no column of their own.
constexpr auto kNone = std::to_array<Range>({{0x0300, 0x036F},
                                             {0x0483, 0x0489},
                                             {0x0591, 0x05BD},
                                             {0x064B, 0x065F},
                                             {0x1160, 0x11FF},  // Hangul vowels and finals, after an initial
                                             {0x1AB0, 0x1AFF},
                                             {0x1DC0, 0x1DFF},
                                             {0x200B, 0x200F},
                                             {0x202A, 0x202E},
                                             {0x2060, 0x2064},
                                             {0x20D0, 0x20FF},
                                             {0xFE00, 0xFE0F},
                                             {0xFE20, 0xFE2F},
                                             {0xFEFF, 0xFEFF},
                                             {0xE0100, 0xE01EF}});
constexpr auto kWide = std::to_array<Range>(
    {{0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
     {0x2648, 0x2653},   {0x26A1, 0x26A1},   {0x26D4, 0x26D4},   {0x2705, 0x2705},   {0x270A, 0x270B},
     {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},   {0x2757, 0x2757},
     {0x2795, 0x2797},   {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
     {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},   {0xA960, 0xA97F},
     {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
     {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF},
     {0x20000, 0x3FFFD}});

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t character) {
  const auto after = std::ranges::upper_bound(ranges, character, {}, &Range::first);
  return after != ranges.begin() && character <= std::prev(after)->last;
}

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first character of a text that is not empty (RFC 3629; overlong forms and surrogates are refused).
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  char32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length, true};
}

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

}  // namespace

int columns_of(char32_t character) {
  if (character < 0x300) return is_control(character) ? 0 : 1;
  if (within(kNone, character)) return 0;
  return within(kWide, character) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const Character next = decode(text);
    width += next.valid ? static_cast<std::size_t>(columns_of(next.code)) : 1;
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string fit_columns(std::string_view text, std::size_t columns) {
  std::string out;
  std::size_t width = 0;
  std::size_t room_for_mark = 0;  // where the text must end if the mark is to follow it
  while (!text.empty()) {
    const Character next = decode(text);
    const bool shown = next.valid && !is_control(next.code);
    const std::size_t wide = shown ? static_cast<std::size_t>(columns_of(next.code)) : 1;
    if (width + wide > columns) {
      out.resize(room_for_mark);
      return columns == 0 ? out : out + "…";
    }
    out += shown ? text.substr(0, next.bytes) : std::string_view("?");
    width += wide;
    if (width < columns) room_for_mark = out.size();
    text.remove_prefix(next.bytes);
  }
  return out;
}

std::string pad_columns(std::string_view text, std::size_t columns) {
  std::string out = fit_columns(text, columns);
  const std::size_t width = display_width(out);
  return width < columns ? out.append(columns - width, ' ') : out;
}

}  // namespace tidegate
