// Literals of each language, read and written.
#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"
#include "dataset/scan.h"

namespace tidegate::dataset {
namespace {

void append_utf8(std::string& text, unsigned long code) {
  const auto add = [&text](unsigned long byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | (code >> 6U));
    add(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12U));
    add(0x80 | ((code >> 6U) & 0x3FU));
    add(0x80 | (code & 0x3FU));
  } else {
    add(0xF0 | (code >> 18U));
    add(0x80 | ((code >> 12U) & 0x3FU));
    add(0x80 | ((code >> 6U) & 0x3FU));
    add(0x80 | (code & 0x3FU));
  }
}

// The number of `digits` hex digits at `at`.
std::optional<unsigned long> hex_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  unsigned long code = 0;
  for (const char c : text.substr(at, digits)) {
    const std::size_t value = std::string_view("0123456789abcdef")
                                  .find(static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c));
    if (value == std::string_view::npos) return std::nullopt;
    code = code * 16 + value;
  }
  return code;
}

// \xNN, \uNNNN, \UNNNNNNNN where the language has them; a pair of surrogates in JSON counts as one character.
std::optional<std::size_t> take_code(std::string_view body, std::size_t at, Literal kind, std::string& out) {
  const char letter = body[at];
  const bool has_x = kind == Literal::kPython || kind == Literal::kYamlDouble;
  const bool has_long = kind != Literal::kJson;
  const std::size_t digits = letter == 'x' && has_x      ? 2
                             : letter == 'u'             ? 4
                             : letter == 'U' && has_long ? 8
                                                         : 0;
  if (digits == 0) return std::nullopt;
  auto code = hex_at(body, at + 1, digits);
  std::size_t used = 1 + digits;
  if (code && kind == Literal::kJson && *code >= 0xD800 && *code < 0xDC00 &&
      body.substr(std::min(body.size(), at + used)).starts_with("\\u")) {
    const auto low = hex_at(body, at + used + 2, 4);
    if (!low || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
    code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
    used += 6;
  }
  if (!code || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF)) return std::nullopt;
  append_utf8(out, *code);
  return used;
}

// The one-letter escapes that all of the languages share, and a few that some add.
std::optional<char> simple_escape(char letter, Literal kind) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case '"':
    case '\\':
      return letter;
    case '\'':
      return kind == Literal::kPython ? std::optional('\'') : std::nullopt;
    case '/':
      return kind == Literal::kJson || kind == Literal::kYamlDouble ? std::optional('/') : std::nullopt;
    case ' ':
      return kind == Literal::kYamlDouble ? std::optional(' ') : std::nullopt;
    default:
      return std::nullopt;
  }
}

Result<std::string> unescape_backslashes(std::string_view body, Literal kind) {
  std::string text;
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] != '\\') {
      text += body[i++];
      continue;
    }
    ++i;
    if (i == body.size()) return fail(Errc::kInvalid, "a backslash at the end of a string");
    if (const auto plain = simple_escape(body[i], kind)) {
      text += *plain;
      ++i;
    } else if (const auto used = take_code(body, i, kind, text)) {
      i += *used;
    } else {
      return fail(Errc::kInvalid, "an escape that is not understood: \\" + printable(body.substr(i, 1)));
    }
  }
  return text;
}

// Quotes (and a prefix before them) off; one or three of them.
std::string_view body_of(std::string_view literal) {
  literal.remove_prefix(std::min(literal.find_first_of("'\""), literal.size()));
  const std::size_t quotes =
      literal.size() >= 6 && literal[1] == literal[0] && literal[2] == literal[0] ? 3 : 1;
  return literal.size() >= 2 * quotes ? literal.substr(quotes, literal.size() - 2 * quotes)
                                      : std::string_view();
}

std::string double_quoted(std::string_view text) {
  return "\"" + replace_all(replace_all(std::string(text), "\\", "\\\\"), "\"", "\\\"") + "\"";
}

bool is_harmless(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~%/:?=&+,@").contains(c);
}

}  // namespace

Result<std::string> unescape(std::string_view literal, Literal kind) {
  switch (kind) {
    case Literal::kYamlPlain:
      return std::string(literal);
    case Literal::kYamlSingle:
      return replace_all(std::string(body_of(literal)), "''", "'");
    case Literal::kPythonRaw:
    case Literal::kTomlRaw:
      return std::string(body_of(literal));
    case Literal::kPython:
    case Literal::kJson:
    case Literal::kTomlBasic:
    case Literal::kYamlDouble:
    case Literal::kUnknown:
      return unescape_backslashes(body_of(literal), kind);
  }
  return fail(Errc::kInternal, "an unknown kind of literal");
}

Result<std::string> escape(std::string_view text, std::string_view old, Literal kind) {
  const char quote = old.empty() ? '"' : old.back();
  if (kind == Literal::kUnknown) {
    // Perhaps a shell's string, where $ and ` are code, perhaps a template: nothing that means anything
    // anywhere.
    if (!std::ranges::all_of(text, is_harmless)) {
      return fail(Errc::kInvalid,
                  "an address with other characters than letters, digits and -._~%/:?=&+,@ in a "
                  "file whose language is not known: " +
                      printable(text));
    }
    return std::string(1, quote) + std::string(text) + std::string(1, quote);
  }
  if (kind == Literal::kYamlPlain) return double_quoted(text);
  const bool plain = text.find_first_of("'\\") == std::string_view::npos;
  if (quote == '\'' && plain && kind != Literal::kJson) return "'" + std::string(text) + "'";
  return double_quoted(text);
}

}  // namespace tidegate::dataset
