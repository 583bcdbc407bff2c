#include "lineage/canonical.h"

#include <charconv>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::lineage {
namespace {

constexpr int kDeepest = 32;
constexpr std::size_t kLongestText = 1U << 20U;

// RFC 8785, section 3.2.2.2.
void write_text(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\b\t\n\f\r";
  constexpr std::string_view kLetters = "btnfr";
  out.push_back('"');
  for (const char c : text) {
    if (const auto at = kShort.find(c); at != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kLetters[at]);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void write_value(std::string& out, const Value& value);

void write_list(std::string& out, const List& list) {
  out.push_back('[');
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i > 0) out.push_back(',');
    write_value(out, list[i]);
  }
  out.push_back(']');
}

void write_object(std::string& out, const Object& object) {
  out.push_back('{');
  bool first = true;
  for (const auto& [name, member] : object) {
    if (!first) out.push_back(',');
    first = false;
    write_text(out, name);
    out.push_back(':');
    write_value(out, member);
  }
  out.push_back('}');
}

void write_value(std::string& out, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value.is)) {
    write_text(out, is_utf8(*text) ? *text : printable(*text, kLongestText));
  } else if (const auto* number = std::get_if<std::int64_t>(&value.is)) {
    out += fmt::format("{}", *number);
  } else if (const auto* truth = std::get_if<bool>(&value.is)) {
    out += *truth ? "true" : "false";
  } else if (const auto* list = std::get_if<List>(&value.is)) {
    write_list(out, *list);
  } else if (const auto* object = std::get_if<Object>(&value.is)) {
    write_object(out, *object);
  } else {
    out += "null";
  }
}

// Reads a little more than write() gives; read() compares in the end.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Value> value(int depth) {
    if (depth > kDeepest || text_.empty()) return std::nullopt;
    if (text_.front() == '{') return object(depth);
    if (text_.front() == '[') return list(depth);
    if (text_.front() == '"') {
      auto out = string();
      return out ? std::optional(Value{*std::move(out)}) : std::nullopt;
    }
    if (word("null")) return Value{};
    if (word("true")) return Value{true};
    if (word("false")) return Value{false};
    return number();
  }
  bool at_end() const { return text_.empty(); }

 private:
  bool word(std::string_view expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }

  std::optional<Value> number() {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), out);
    if (error != std::errc{}) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return Value{out};
  }

  std::optional<char> escaped() {
    constexpr std::string_view kFrom = "\"\\btnfr";
    constexpr std::string_view kTo = "\"\\\b\t\n\f\r";
    if (text_.empty()) return std::nullopt;
    const char letter = text_.front();
    text_.remove_prefix(1);
    if (const auto at = kFrom.find(letter); at != std::string_view::npos) return kTo[at];
    if (letter != 'u' || text_.size() < 4) return std::nullopt;
    const auto bytes = from_hex(text_.substr(0, 4));
    text_.remove_prefix(4);
    if (!bytes || bytes->front() != '\0') return std::nullopt;
    return bytes->back();
  }

  std::optional<std::string> string() {
    if (!word("\"")) return std::nullopt;
    std::string out;
    while (!text_.empty()) {
      const char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return out;
      const auto plain = c == '\\' ? escaped() : std::optional(c);
      if (!plain) return std::nullopt;
      out.push_back(*plain);
    }
    return std::nullopt;
  }

  std::optional<Value> list(int depth) {
    List out;
    word("[");
    if (word("]")) return Value{std::move(out)};
    do {
      auto item = value(depth + 1);
      if (!item) return std::nullopt;
      out.push_back(*std::move(item));
    } while (word(","));
    if (!word("]")) return std::nullopt;
    return Value{std::move(out)};
  }

  std::optional<Value> object(int depth) {
    Object out;
    word("{");
    if (word("}")) return Value{std::move(out)};
    do {
      auto name = string();
      if (!name || !word(":")) return std::nullopt;
      auto member = value(depth + 1);
      if (!member) return std::nullopt;
      out.insert_or_assign(*std::move(name), *std::move(member));
    } while (word(","));
    if (!word("}")) return std::nullopt;
    return Value{std::move(out)};
  }

  std::string_view text_;
};

}  // namespace

std::string write(const Value& value) {
  std::string out;
  write_value(out, value);
  return out;
}

Result<Value> read(std::string_view text) {
  Reader reader(text);
  auto value = reader.value(0);
  if (!value || !reader.at_end() || write(*value) != text)
    return fail(Errc::kInvalid, "not canonical JSON: " + printable(text));
  return *std::move(value);
}

}  // namespace tidegate::lineage
