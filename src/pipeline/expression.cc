#include "pipeline/expression.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "pipeline/expression_lexer.h"

namespace tidegate::pipeline {

/// Recursive descent over at most 99 tokens, so the depth is bounded too.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Expression> run() {
    if (peek() == TokenKind::kEnd) return fail(Errc::kInvalid, "the expression is empty");
    TG_CHECK(parse_or());
    if (peek() != TokenKind::kEnd) return unexpected();
    return std::move(expression_);
  }

 private:
  using Op = Expression::Op;

  TokenKind peek() const { return tokens_[at_].kind; }

  Error unexpected() const {
    const auto& token = tokens_[at_];
    if (token.kind == TokenKind::kEnd) {
      return fail(Errc::kInvalid, fmt::format("column {}: something is missing at the end", token.column));
    }
    return fail(Errc::kInvalid, fmt::format("column {}: not expected here", token.column));
  }

  std::size_t add(Expression::Node node) {
    expression_.nodes_.push_back(std::move(node));
    return expression_.nodes_.size() - 1;
  }

  Result<std::size_t> parse_binary(Result<std::size_t> (ExpressionParser::*operand)(),
                                   std::optional<Op> (*operation)(TokenKind)) {
    TG_TRY(auto left, (this->*operand)());
    while (const auto op = operation(peek())) {
      ++at_;
      TG_TRY(const auto right, (this->*operand)());
      left = add({.op = *op, .text = {}, .regex = {}, .left = left, .right = right});
    }
    return left;
  }

  Result<std::size_t> parse_or() {
    return parse_binary(&ExpressionParser::parse_and, [](TokenKind kind) {
      return kind == TokenKind::kOr ? std::optional(Op::kOr) : std::nullopt;
    });
  }

  Result<std::size_t> parse_and() {
    return parse_binary(&ExpressionParser::parse_comparison, [](TokenKind kind) {
      return kind == TokenKind::kAnd ? std::optional(Op::kAnd) : std::nullopt;
    });
  }

  static std::optional<Op> comparison(TokenKind kind) {
    if (kind == TokenKind::kEqual) return Op::kEqual;
    if (kind == TokenKind::kNotEqual) return Op::kNotEqual;
    if (kind == TokenKind::kMatch) return Op::kMatch;
    if (kind == TokenKind::kNotMatch) return Op::kNotMatch;
    return std::nullopt;
  }

  Result<std::size_t> parse_comparison() {
    return parse_binary(&ExpressionParser::parse_unary, &ExpressionParser::comparison);
  }

  Result<std::size_t> parse_unary() {
    if (peek() != TokenKind::kNot) return parse_primary();
    ++at_;
    TG_TRY(const auto operand, parse_unary());
    return add({.op = Op::kNot, .text = {}, .regex = {}, .left = operand});
  }

  Result<std::size_t> parse_primary() {
    Token& token = tokens_[at_];
    if (token.kind == TokenKind::kOpen) return parse_parenthesis();
    Expression::Node node;
    if (token.kind == TokenKind::kVariable) {
      node.op = Op::kVariable;
      auto& names = expression_.variables_;
      if (std::ranges::find(names, token.text) == names.end()) names.push_back(token.text);
    } else if (token.kind == TokenKind::kInput) {
      node.op = Op::kInput;
    } else if (token.kind == TokenKind::kText) {
      node.op = Op::kText;
    } else if (token.kind == TokenKind::kPattern) {
      node.op = Op::kPattern;
      token.text = replace_all(std::move(token.text), "\\/", "/");
      auto regex = Regex::from_slashes(token.text);
      if (!regex) return with_context(fmt::format("column {}", token.column), regex.error());
      node.regex = *std::move(regex);
    } else if (token.kind == TokenKind::kNull) {
      node.op = Op::kNull;
    } else if (token.kind == TokenKind::kTrue || token.kind == TokenKind::kFalse) {
      node.op = Op::kTruth;
      node.truth = token.kind == TokenKind::kTrue;
    } else {
      return unexpected();
    }
    node.text = std::move(token.text);
    ++at_;
    return add(std::move(node));
  }

  Result<std::size_t> parse_parenthesis() {
    ++at_;
    TG_TRY(const auto inner, parse_or());
    if (peek() != TokenKind::kClose) return unexpected();
    ++at_;
    return inner;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  Expression expression_;
};

namespace {

bool is_present(const ExpressionValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth;
  if (const auto* text = std::get_if<std::string>(&value)) {
    return text->find_first_not_of(" \t\n\v\f\r") != std::string::npos;
  }
  return false;
}

/// nil or false: what && and || look at (an empty text counts as true there).
bool is_nil_or_false(const ExpressionValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return !*truth;
  return std::holds_alternative<std::monostate>(value);
}

std::string to_text(const ExpressionValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return {};
}

bool is_equal(const ExpressionValue& left, const ExpressionValue& right) {
  const bool left_null = std::holds_alternative<std::monostate>(left);
  const bool right_null = std::holds_alternative<std::monostate>(right);
  if (left_null || right_null) return left_null && right_null;
  return to_text(left) == to_text(right);
}

ExpressionValue lookup(const std::function<std::optional<std::string_view>(std::string_view)>& find,
                       const std::string& name) {
  if (!find) return std::monostate{};
  if (const auto value = find(name)) return std::string(*value);
  return std::monostate{};
}

}  // namespace

Result<Expression> Expression::parse(std::string_view text) {
  TG_TRY(auto tokens, tokenize_expression(text));
  return ExpressionParser(std::move(tokens)).run();
}

bool Expression::matches(const Node& node, const ExpressionScope& scope) const {
  const std::string text = to_text(evaluate_node(node.left, scope));
  const Node& right = nodes_[node.right];
  if (right.regex) return right.regex->search(text);
  const ExpressionValue pattern = evaluate_node(node.right, scope);
  if (is_nil_or_false(pattern)) return false;
  const std::string pattern_text = to_text(pattern);
  if (const auto regex = Regex::from_slashes(pattern_text)) return regex->search(text);
  return pattern_text.contains(text);  // left in right: GitLab's String#scan, that way round
}

ExpressionValue Expression::evaluate_node(std::size_t index, const ExpressionScope& scope) const {
  const Node& node = nodes_[index];
  switch (node.op) {
    case Op::kNull:
      return std::monostate{};
    case Op::kTruth:
      return node.truth;
    case Op::kText:
    case Op::kPattern:
      return node.text;
    case Op::kVariable:
      return lookup(scope.variable, node.text);
    case Op::kInput:
      return lookup(scope.input, node.text);
    case Op::kNot:
      return !is_present(evaluate_node(node.left, scope));
    case Op::kEqual:
      return is_equal(evaluate_node(node.left, scope), evaluate_node(node.right, scope));
    case Op::kNotEqual:
      return !is_equal(evaluate_node(node.left, scope), evaluate_node(node.right, scope));
    case Op::kMatch:
      return matches(node, scope);
    case Op::kNotMatch:
      return !matches(node, scope);
    case Op::kAnd: {
      auto left = evaluate_node(node.left, scope);
      return is_nil_or_false(left) ? left : evaluate_node(node.right, scope);
    }
    case Op::kOr: {
      auto left = evaluate_node(node.left, scope);
      return is_nil_or_false(left) ? evaluate_node(node.right, scope) : left;
    }
  }
  return std::monostate{};
}

ExpressionValue Expression::evaluate(const ExpressionScope& scope) const {
  return evaluate_node(nodes_.size() - 1, scope);
}

bool Expression::is_true(const ExpressionScope& scope) const {
  return is_present(evaluate(scope));
}

}  // namespace tidegate::pipeline
