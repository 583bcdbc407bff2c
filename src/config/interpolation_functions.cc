// The functions of interpolation blocks: expand_vars, truncate, posix_escape, split.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"
#include "config/interpolate.h"

namespace tidegate::config {
namespace {

using yaml::Kind;
using yaml::NodePtr;

NodePtr text_node(std::string text, const NodePtr& like) {
  return yaml::make_scalar(Kind::kString, std::move(text), like->mark);
}

/// The place of the character with this number; the end when there are fewer.
std::size_t offset_of_character(std::string_view text, std::size_t number) {
  std::size_t at = 0;
  while (at < text.size() && number > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    --number;
  }
  return at;
}

std::string truncated(std::string_view text, std::size_t offset, std::size_t length) {
  text.remove_prefix(offset_of_character(text, offset));
  return std::string(text.substr(0, offset_of_character(text, length)));
}

struct Range {
  std::size_t offset = 0;
  std::size_t length = 0;
};

std::optional<std::size_t> take_number(std::string_view& text) {
  text = trim(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::size_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + digits, number);
  if (read.ec != std::errc()) number = static_cast<std::size_t>(-1);
  text = trim(text.substr(digits));
  return number;
}

/// "truncate(1, 8)"; the closing parenthesis may be missing, as on GitLab.
std::optional<Range> read_truncate(std::string_view function) {
  constexpr std::string_view kName = "truncate(";
  if (!function.starts_with(kName)) return std::nullopt;
  function.remove_prefix(kName.size());
  const auto offset = take_number(function);
  if (!offset || !function.starts_with(',')) return std::nullopt;
  function.remove_prefix(1);
  const auto length = take_number(function);
  if (!length || (!function.empty() && function != ")")) return std::nullopt;
  return Range{.offset = *offset, .length = *length};
}

std::optional<std::string_view> read_split(std::string_view function) {
  constexpr std::string_view kName = "split('";
  if (!function.starts_with(kName) || !function.ends_with("')")) return std::nullopt;
  if (function.size() < kName.size() + 2) return std::nullopt;
  const std::string_view separator = function.substr(kName.size(), function.size() - kName.size() - 2);
  return separator.find('\'') == std::string_view::npos ? std::optional(separator) : std::nullopt;
}

/// Ruby's Shellwords.shellescape: a backslash before each character that a shell could read.
std::string posix_escaped(std::string_view text) {
  if (text.empty()) return "''";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       std::string_view("_-.,:+/@").find(c) != std::string_view::npos;
    const bool inside = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;  // of a character of several bytes
    if (c == '\n') {
      out += "'\n'";
      continue;
    }
    if (!plain && !inside) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

NodePtr split_node(const NodePtr& value, std::string_view separator) {
  std::vector<NodePtr> items;
  std::string_view rest = value->text;
  while (true) {
    const std::size_t at = rest.find(separator);
    const std::string_view item = trim(rest.substr(0, at));
    if (!item.empty()) items.push_back(text_node(std::string(item), value));
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + separator.size());
  }
  return yaml::make_list(std::move(items), value->mark);
}

}  // namespace

Result<NodePtr> apply_function(std::string_view function, const NodePtr& value, const IncludeScope& scope) {
  const auto range = read_truncate(function);
  const auto separator = read_split(function);
  const std::string_view name = range ? "truncate" : separator ? "split" : function;
  if (!range && !separator && function != "expand_vars" && function != "posix_escape")
    return fail(Errc::kInvalid,
                fmt::format("no function matching `{}`: check that the function name, arguments, and types "
                            "are correct",
                            printable(function)));
  if (!value->is_string())
    return fail(Errc::kInvalid, fmt::format("error in `{}` function: invalid input type: {} can only be used "
                                            "with string inputs",
                                            name, name));
  if (range) return text_node(truncated(value->text, range->offset, range->length), value);
  if (separator && separator->empty())
    return fail(Errc::kInvalid, "error in `split` function: invalid argument: separator cannot be empty");
  if (separator) return split_node(value, *separator);
  if (function == "posix_escape") return text_node(posix_escaped(value->text), value);
  if (!scope.expand_known) return value;
  Result<std::string> text = scope.expand_known(value->text);
  if (!text)
    return fail(Errc::kInvalid,
                "error in `expand_vars` function: variable expansion error: " + text.error().message);
  return text_node(*std::move(text), value);
}

}  // namespace tidegate::config
