#include "pipeline/expression.h"

#include <map>
#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/text.h"
#include "pipeline/corpus.h"

namespace tidegate::pipeline {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

std::function<std::optional<std::string_view>(std::string_view)> in(const Values& values) {
  return [&values](std::string_view name) -> std::optional<std::string_view> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

/// "true", "false" or "error".
std::string truth(std::string_view text, const Values& variables = {}, const Values& inputs = {}) {
  const auto parsed = Expression::parse(text);
  if (!parsed) return "error";
  return parsed->is_true({.variable = in(variables), .input = in(inputs)}) ? "true" : "false";
}

std::string problem(std::string_view text) {
  const auto parsed = Expression::parse(text);
  return parsed ? "none" : parsed.error().message;
}

TEST(Expression, Precedence) {
  EXPECT_EQ(truth(R"("a" == "a" || "b" == "c" && "d" == "e")"), "true");
  EXPECT_EQ(truth(R"(("a" == "a" || "b" == "c") && "d" == "e")"), "false");
  EXPECT_EQ(truth(R"(null || "" || "x")"), "false");  // "" is not null, so it is the answer
  EXPECT_EQ(truth(R"("" && "x")"), "true");
}

TEST(Expression, NotAsksWhetherSomethingIsPresent) {
  EXPECT_EQ(truth("!$A", {{"A", " "}}), "true");
  EXPECT_EQ(truth("!!$A", {{"A", "x"}}), "true");
  EXPECT_EQ(truth(R"(!($A == "x"))", {{"A", "x"}}), "false");
}

TEST(Expression, VariablesAreNotExpandedAgain) {
  EXPECT_EQ(truth(R"($A == "$B")", {{"A", "$B"}, {"B", "x"}}), "true");
}

TEST(Expression, NamesItsVariablesOnce) {
  const auto parsed = Expression::parse("$B == $A || $B =~ /x.y/");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->variables(), (std::vector<std::string>{"B", "A"}));
}

TEST(Expression, ErrorsSayWhere) {
  EXPECT_EQ(problem("$A = 1"), "column 4: unknown word = 1 (write == to compare)");
  EXPECT_EQ(problem("${A} == 1"), "column 1: unknown word ${A} == 1 (write $NAME, without braces)");
  EXPECT_EQ(problem("$A =="), "column 6: something is missing at the end");
  EXPECT_EQ(problem("$A $B"), "column 4: not expected here");
  EXPECT_EQ(problem(""), "the expression is empty");
  EXPECT_EQ(problem("   "), "the expression is empty");
  EXPECT_EQ(problem("()"), "column 2: not expected here");
  EXPECT_EQ(problem("$A =~ /(x/"), "column 7: invalid regular expression: missing ): (x");
}

TEST(Expression, InvalidPatternInAVariableIsPlainText) {
  EXPECT_EQ(truth("$A =~ $B", {{"A", "(x"}, {"B", "/(x/"}}), "true");  // substring of the right side
  EXPECT_EQ(truth("$A =~ $B", {{"A", "zz"}, {"B", "/(x/"}}), "false");
}

TEST(Expression, HasALimit) {
  std::string pattern;
  while (pattern.size() < 40'000) pattern += "(a|b)*";
  const auto parsed = Expression::parse("$A =~ /" + pattern + "/");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message, "longer than 32 KiB");
  const std::string in_variable = "/" + pattern + "/";
  const auto matched = Expression::parse("$A =~ $B");
  const auto value = [&](std::string_view name) -> std::optional<std::string_view> {
    return name == "B" ? std::string_view(in_variable) : std::string_view("|b");
  };
  EXPECT_TRUE(matched->is_true({.variable = value, .input = {}}));  // plain text: the left is a part of it
}

TEST(Expression, HostileTextStaysBounded) {
  EXPECT_EQ(truth(std::string(100'000, '(')), "error");
  EXPECT_EQ(truth(std::string(100'000, '!')), "error");
  EXPECT_EQ(truth("$A =~ /" + std::string(20'000, 'a') + "/", {{"A", "b"}}), "false");
  const std::string bad("\xff\xfe\0x", 4);
  EXPECT_EQ(truth(bad), "error");
  EXPECT_EQ(truth("$A =~ /(a*)*b/", {{"A", std::string(50'000, 'a')}}), "false");
}

struct Row {
  std::string id, expression, variables, truth, value, source;
};

std::vector<Row> rows(const std::string& text) {
  std::vector<Row> out;
  for (const auto& line : split(text, '\n')) {
    const auto cells = split(line, '\t');
    if (cells.size() < 6 || cells[0] == "id") continue;
    out.push_back({cells[0], cells[1], cells[2], cells[3], cells[4], cells[5]});
  }
  return out;
}

std::string to_json(const ExpressionValue& value) {
  if (const auto* truth_value = std::get_if<bool>(&value)) return *truth_value ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) {
    return boost::json::serialize(boost::json::value(*text));
  }
  return "null";
}

TEST(Expression, Corpus) {
  const auto text = read_corpus("expressions/cases.tsv");
  if (!text) GTEST_SKIP() << "skipped: no corpus";
  const auto cases = rows(*text);
  ASSERT_GE(cases.size(), 100U);
  for (const auto& row : cases) {
    Values variables;
    Values inputs;
    const auto json = boost::json::parse(row.variables).as_object();
    for (const auto& [key, value] : json) {
      if (value.is_string()) variables[key] = value.as_string();
      if (key != "inputs") continue;
      for (const auto& [name, input] : value.as_object()) inputs[name] = input.as_string();
    }
    EXPECT_EQ(truth(row.expression, variables, inputs), row.truth) << row.id << ": " << row.expression;
    if (!row.source.contains("#evaluate")) continue;
    const auto parsed = Expression::parse(row.expression);
    ASSERT_TRUE(parsed) << row.id;
    EXPECT_EQ(to_json(parsed->evaluate({.variable = in(variables), .input = in(inputs)})), row.value)
        << row.id;
  }
}

}  // namespace
}  // namespace tidegate::pipeline
