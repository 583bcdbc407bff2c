// `rules:if` (and only:variables): lexer, parser and evaluator.
// Source: GitLab docs "CI/CD job rules", lib/gitlab/ci/pipeline/expression.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "pipeline/regex.h"

namespace tidegate::pipeline {

/// null (undefined), a truth, or text.
using ExpressionValue = std::variant<std::monostate, bool, std::string>;

/// Where an expression finds its values. A value is taken as it is, never expanded again.
struct ExpressionScope {
  std::function<std::optional<std::string_view>(std::string_view name)> variable;
  std::function<std::optional<std::string_view>(std::string_view name)> input;  ///< may be empty: no inputs
};

/// What is known of a variable before there is a pipeline.
struct KnownValue {
  enum class Kind : std::uint8_t { kAny, kNull, kPresent, kText };  ///< kPresent: some text that is not blank
  Kind kind = Kind::kAny;
  std::string text;
};

enum class Truth : std::uint8_t { kFalse, kTrue, kUnknown };

/// A parsed expression. Immutable; cheap enough to copy.
class Expression {
 public:
  /// An error (kInvalid) means that the configuration is refused; it says what is wrong and where (column,
  /// from 1). Bounded: fewer than 100 tokens.
  static Result<Expression> parse(std::string_view text);

  ExpressionValue evaluate(const ExpressionScope& scope) const;

  /// True when the value is present: not null, not false, not empty, not only white space.
  bool is_true(const ExpressionScope& scope) const;

  /// What is_true() would say whatever the variables are beyond what is known of them. Each use of a variable
  /// is taken by itself, so kUnknown may stand where a closer look would tell.
  Truth truth(const std::function<KnownValue(std::string_view name)>& known) const;

  /// Names of the variables it mentions, each once, in order of appearance.
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  friend class ExpressionParser;
  enum class Op : std::uint8_t {
    kNull,
    kTruth,
    kText,
    kPattern,
    kVariable,
    kInput,
    kNot,
    kEqual,
    kNotEqual,
    kMatch,
    kNotMatch,
    kAnd,
    kOr,
  };
  struct Node {
    Op op = Op::kNull;
    std::string text;  ///< literal, variable's name, or the pattern with its slashes
    bool truth = false;
    std::optional<Regex> regex;
    std::size_t left = 0;  ///< index into nodes_
    std::size_t right = 0;
  };

  ExpressionValue evaluate_node(std::size_t index, const ExpressionScope& scope) const;
  bool matches(const Node& node, const ExpressionScope& scope) const;

  struct Possible;
  class Weigher;

  std::vector<Node> nodes_;  ///< operands before their operator; the last one is the root
  std::vector<std::string> variables_;
};

}  // namespace tidegate::pipeline
