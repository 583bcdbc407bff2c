// Small text tools that every room needs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);  ///< ASCII only
std::string to_upper(std::string_view text);  ///< ASCII only
std::string replace_all(std::string text, std::string_view from, std::string_view to);

/// One word for a POSIX shell, whatever the bytes: 'it'\''s'.
std::string shell_quote(std::string_view word);

/// Bytes as lower-case hex.
std::string to_hex(std::string_view bytes);
/// The reverse; nothing when the text is not an even number of hex digits.
std::optional<std::string> from_hex(std::string_view text);

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);  ///< padding optional, line breaks refused

/// RFC 3986: everything but unreserved characters as %XX; `keep` names more characters to leave (e.g. "/").
std::string percent_encode(std::string_view text, std::string_view keep = "");
/// %XX decoded; with `plus_is_space` also '+' (application/x-www-form-urlencoded). Nothing when a % is not
/// followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

/// True when the bytes are UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

/// For logs and messages: control characters and bytes that are not UTF-8 as \xNN, cut to `max` bytes with
/// "…".
std::string printable(std::string_view text, std::size_t max = 200);

/// The candidate nearest to `name` by edit distance, if near enough to be a slip of the finger.
std::optional<std::string> nearest(std::string_view name, const std::vector<std::string>& candidates);

/// GitLab's slug of a ref name: lower case, anything but [a-z0-9] as '-', at most 63, no '-' at either end.
/// Source: CI_COMMIT_REF_SLUG in GitLab's predefined variables.
std::string slug(std::string_view text);

/// The random-free decimal of an integer, or nothing when the text is not entirely one.
std::optional<long long> parse_integer(std::string_view text);

}  // namespace tidegate
