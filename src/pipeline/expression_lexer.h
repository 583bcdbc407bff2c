// Tokens of rules:if expressions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::pipeline {

enum class TokenKind : std::uint8_t {
  kOpen,
  kClose,
  kInput,
  kVariable,
  kText,
  kPattern,
  kNull,
  kTrue,
  kFalse,
  kEqual,
  kNotEqual,
  kMatch,
  kNotMatch,
  kAnd,
  kOr,
  kNot,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< of inputs and variables the name, of strings the inside, of patterns everything
  std::size_t column = 0;  ///< from 1
};

/// The tokens of `text`, with kEnd last. An error when something is no token, or at 100 tokens and more.
Result<std::vector<Token>> tokenize_expression(std::string_view text);

}  // namespace tidegate::pipeline
