// JsonText: JSON written as it is told, without a tree of it: a plan of 20,000 jobs is 8 MB of text.
#pragma once

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace tidegate::main {

/// Writes one value to a file. Commas are set here; that objects have keys and brackets match is the caller's
/// concern. Texts that are not UTF-8 are shown as `printable` shows them.
class JsonText {
 public:
  explicit JsonText(std::FILE* out) : out_(out) {}
  ~JsonText() { flush(); }
  JsonText(const JsonText&) = delete;
  JsonText& operator=(const JsonText&) = delete;

  JsonText& open(char bracket);   ///< '{' or '['
  JsonText& close(char bracket);  ///< '}' or ']'
  /// `name` needs no escaping.
  JsonText& key(std::string_view name);
  JsonText& key_of(const std::string& name);

  JsonText& value(const std::string& text);
  JsonText& value(std::string_view text);
  JsonText& value(const char* text) { return value(std::string_view(text)); }
  JsonText& value(bool truth) { return plain(truth ? "true" : "false"); }
  JsonText& value(std::integral auto number) { return plain(std::to_string(number)); }
  JsonText& null() { return plain("null"); }
  /// null when it is empty.
  JsonText& text_or_null(const std::string& text) { return text.empty() ? null() : value(text); }

  /// `name`, and an array of what `write_one` makes of each.
  template <class List, class WriteOne>
  JsonText& list(std::string_view name, const List& items, WriteOne write_one) {
    key(name).open('[');
    for (const auto& item : items) write_one(item);
    return close(']');
  }
  template <class List>
  JsonText& list(std::string_view name, const List& items) {
    return list(name, items, [this](const auto& item) { this->value(item); });
  }

 private:
  JsonText& plain(std::string_view text);
  void separate();
  void quote(std::string_view text);
  void flush();

  std::FILE* out_;
  std::string buffer_;
  bool comma_ = false;  ///< before the next key or value
};

}  // namespace tidegate::main
