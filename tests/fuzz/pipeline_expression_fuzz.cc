// rules:if expressions: any bytes parse or are refused; what parses can be evaluated and printed.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "pipeline/expression.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using tidegate::pipeline::Expression;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = Expression::parse(text);
  if (!parsed) return parsed.error().message.empty() ? 1 : 0;
  const auto value = [&](std::string_view name) -> std::optional<std::string_view> {
    if (name.starts_with('U')) return std::nullopt;
    return name.starts_with('R') ? std::string_view("/a.*b/i") : name;
  };
  parsed->is_true({.variable = value, .input = value});
  parsed->is_true({.variable = value, .input = {}});
  return 0;
}
