#include "release/journal_line.h"

#include <cstdint>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::release {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

// The code point at the start of `text` and its length; U+FFFD and 1 for what is not UTF-8.
std::pair<std::uint32_t, std::size_t> code_point(std::string_view text) {
  for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length) {
    if (!is_utf8(text.substr(0, length))) continue;
    const auto at = [&](std::size_t i) {
      return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    std::uint32_t code = at(0) & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) code = (code << 6U) | (at(i) & 0x3FU);
    return {code, length};
  }
  return {0xFFFD, 1};
}

void append_text(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first >= 0x20 && first < 0x7F) {
      if (first == '\'') {
        out += "\\u0027";
      } else {
        if (first == '"' || first == '\\') out.push_back('\\');
        out.push_back(text.front());
      }
      text.remove_prefix(1);
      continue;
    }
    const auto [code, length] =
        first < 0x80 ? std::pair<std::uint32_t, std::size_t>{first, 1} : code_point(text);
    if (code >= 0x10000) {
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + ((code - 0x10000) >> 10U),
                         0xDC00U + ((code - 0x10000) & 0x3FFU));
    } else {
      out += fmt::format("\\u{:04x}", code);
    }
    text.remove_prefix(length);
  }
  out.push_back('"');
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Fields> object() {
    Fields fields;
    skip();
    if (!take('{')) return std::nullopt;
    skip();
    if (!take('}')) {
      do {
        skip();
        auto key = text();
        skip();
        if (!key || !take(':')) return std::nullopt;
        skip();
        auto value = text();
        if (!value) return std::nullopt;
        fields.insert_or_assign(*std::move(key), *std::move(value));
        skip();
      } while (take(','));
      if (!take('}')) return std::nullopt;
    }
    skip();
    return at_ == text_.size() ? std::optional(std::move(fields)) : std::nullopt;
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<std::uint32_t> unit() {
    if (text_.size() - at_ < 4) return std::nullopt;
    const auto bytes = from_hex(text_.substr(at_, 4));
    if (!bytes) return std::nullopt;
    at_ += 4;
    return (static_cast<std::uint32_t>(static_cast<unsigned char>((*bytes)[0])) << 8U) |
           static_cast<std::uint32_t>(static_cast<unsigned char>((*bytes)[1]));
  }
  bool escape(std::string& out) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const auto i = kLetters.find(c); i != std::string_view::npos) {
      out.push_back(kMeanings[i]);
      return true;
    }
    if (c != 'u') return false;
    auto code = unit();
    if (!code || (*code >= 0xDC00 && *code < 0xE000)) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {
      if (!take('\\') || !take('u')) return false;
      const auto low = unit();
      if (!low || *low < 0xDC00 || *low >= 0xE000) return false;
      code = 0x10000 + ((*code - 0xD800) << 10U) + (*low - 0xDC00);
    }
    append_utf8(out, *code);
    return true;
  }
  std::optional<std::string> text() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string write_line(const Fields& fields) {
  std::string out = "{";
  for (const auto& [key, value] : fields) {
    if (out.size() > 1) out.push_back(',');
    append_text(out, key);
    out.push_back(':');
    append_text(out, value);
  }
  return out + "}";
}

std::optional<Fields> parse_line(std::string_view line) {
  return Reader(line).object();
}

}  // namespace tidegate::release
