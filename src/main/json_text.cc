#include "main/json_text.h"

#include <fmt/format.h>

#include "base/text.h"

namespace tidegate::main {
namespace {

constexpr std::size_t kBuffer = 1U << 16U;

// The short form of a control character, or nothing.
constexpr std::string_view short_escape(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    default:
      return {};
  }
}

}  // namespace

void JsonText::separate() {
  if (comma_) buffer_ += ',';
  comma_ = true;
}

void JsonText::flush() {
  std::fwrite(buffer_.data(), 1, buffer_.size(), out_);
  buffer_.clear();
}

JsonText& JsonText::open(char bracket) {
  if (buffer_.size() > kBuffer) flush();
  separate();
  buffer_ += bracket;
  comma_ = false;
  return *this;
}

JsonText& JsonText::close(char bracket) {
  buffer_ += bracket;
  comma_ = true;
  return *this;
}

JsonText& JsonText::plain(std::string_view text) {
  separate();
  buffer_ += text;
  return *this;
}

JsonText& JsonText::key(std::string_view name) {
  separate();
  buffer_ += '"';
  buffer_ += name;
  buffer_ += "\":";
  comma_ = false;
  return *this;
}

JsonText& JsonText::key_of(const std::string& name) {
  value(name);
  buffer_ += ':';
  comma_ = false;
  return *this;
}

JsonText& JsonText::value(const std::string& text) {
  return value(std::string_view(text));
}

JsonText& JsonText::value(std::string_view text) {
  separate();
  if (is_utf8(text)) {
    quote(text);
  } else {
    quote(printable(text, text.size() * 4 + 1));
  }
  return *this;
}

void JsonText::quote(std::string_view text) {
  buffer_ += '"';
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    buffer_ += text.substr(done, i - done);
    done = i + 1;
    const std::string_view known = short_escape(text[i]);
    buffer_ += known.empty() ? fmt::format("\\u{:04x}", byte) : std::string(known);
  }
  buffer_ += text.substr(done);
  buffer_ += '"';
}

}  // namespace tidegate::main
