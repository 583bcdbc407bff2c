#include "dataset/glob.h"

#include <vector>

namespace tidegate::dataset {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

std::size_t character_length(std::string_view text, std::size_t at) {
  std::size_t length = 1;
  while (length < 4 && at + length < text.size() && is_continuation(text[at + length])) ++length;
  return length;
}

using Reached = std::vector<char>;  // reached[i]: the pattern so far can have consumed i bytes

Reached star(const Reached& from, std::string_view text, bool crosses_slash) {
  Reached to(from.size(), 0);
  bool open = false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (i > 0 && text[i - 1] == '/' && !crosses_slash) open = false;
    open = open || from[i] != 0;
    to[i] = static_cast<char>(open);
  }
  return to;
}

// "**/": nothing, or anything that ends with '/'.
Reached folders(const Reached& from, std::string_view text) {
  Reached to = from;
  bool open = false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (open && i > 0 && text[i - 1] == '/') to[i] = 1;
    open = open || from[i] != 0;
  }
  return to;
}

Reached one(const Reached& from, std::string_view text, char wanted, bool any) {
  Reached to(from.size(), 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (from[i] == 0) continue;
    if (any) {
      if (text[i] != '/') to[i + character_length(text, i)] = 1;
    } else if (text[i] == wanted) {
      to[i + 1] = 1;
    }
  }
  return to;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  Reached reached(text.size() + 1, 0);
  reached[0] = 1;
  for (std::size_t p = 0; p < pattern.size();) {
    const bool segment_start = p == 0 || pattern[p - 1] == '/';
    if (pattern.substr(p).starts_with("**/") && segment_start) {
      reached = folders(reached, text);
      p += 3;
    } else if (pattern.substr(p).starts_with("**")) {
      reached = star(reached, text, true);
      p += 2;
    } else if (pattern[p] == '*') {
      reached = star(reached, text, false);
      ++p;
    } else {
      reached = one(reached, text, pattern[p], pattern[p] == '?');
      ++p;
    }
  }
  return reached.back() != 0;
}

}  // namespace tidegate::dataset
