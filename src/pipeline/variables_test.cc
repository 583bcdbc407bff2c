#include "pipeline/variables.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace tidegate::pipeline {
namespace {

JobVariable variable(std::string key, std::string value) {
  return {.key = std::move(key), .value = std::move(value)};
}
JobVariable raw(std::string key, std::string value) {
  auto out = variable(std::move(key), std::move(value));
  out.raw = true;
  return out;
}
JobVariable file(std::string key, std::string value) {
  auto out = variable(std::move(key), std::move(value));
  out.file = true;
  return out;
}

std::string value_of(const Result<JobVariables>& variables, std::string_view key) {
  if (!variables) return "error: " + variables.error().message;
  const auto* found = VariableIndex(*variables).find(key);
  return found == nullptr ? "(absent)" : found->value;
}

TEST(Variables, ThreeForms) {
  const JobVariables list = {variable("A", "1"), variable("B_2", "2")};
  const VariableIndex index(list);
  EXPECT_EQ(expand_text("$A ${A} %A% $B_2x ${B_2}x", index, Undefined::kKeep), "1 1 1 $B_2x 2x");
  EXPECT_EQ(expand_text("$X${X}%X%.", index, Undefined::kBlank), ".");
  EXPECT_EQ(expand_text("100% $ ${} ${1} %% ${A", index, Undefined::kBlank), "100% $ ${} ${1} %% ${A");
  EXPECT_EQ(expand_text("$$A", index, Undefined::kKeep), "$1");
  EXPECT_EQ(expand_for_runner("$$A %%A", index), "$$A %%A");
}

TEST(Variables, ExpandRecursivelyWhateverTheOrder) {
  const JobVariables list = {variable("C", "<$B>"), variable("A", "1"), variable("B", "[${A}]")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "C"), "<[1]>");
}

TEST(Variables, StrongestWins) {
  const JobVariables list = {variable("A", "weak"), variable("B", "$A"), variable("A", "strong")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "B"), "strong");
}

TEST(Variables, ANameMayBuildOnAWeakerOne) {
  const JobVariables list = {variable("FLAGS", "-O2"), variable("FLAGS", "$FLAGS -g")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kRunner), "FLAGS"), "-O2 -g");
}

TEST(Variables, RawIsNotExpanded) {
  const JobVariables list = {variable("A", "1"), raw("B", "$A"), variable("C", "<$B>")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "B"), "$A");
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "C"), "<$A>");
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kRunner), "C"), "<$B>");  // the runner will
}

TEST(Variables, FileReferencesAreLeftToTheRunner) {
  const JobVariables list = {file("F", "content"), variable("C", "<$F>")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kRunner), "C"), "<$F>");
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "C"), "<content>");
}

TEST(Variables, UndefinedAndDoubled) {
  const JobVariables list = {variable("C", "a$X-$$Y-%%")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kRunner), "C"), "a$X-$$Y-%%");
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "C"), "a-$$Y-%%");
}

TEST(Variables, CyclesAreNamed) {
  const JobVariables list = {variable("A", "$B"), variable("B", "${C}"), variable("C", "%A%"),
                             variable("D", "$D")};
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "A"),
            R"(error: circular variable reference detected: ["A", "B", "C"])");
  EXPECT_EQ(value_of(expand_variables({variable("D", "<$D>")}, ExpandFor::kRunner), "D"), "<$D>");
}

TEST(Variables, ExplosionIsRefused) {
  JobVariables list = {variable("V0", "0123456789")};
  for (int i = 1; i < 64; ++i) {
    const std::string before = "$V" + std::to_string(i - 1);
    list.push_back(variable("V" + std::to_string(i), before + before));
  }
  const auto expanded = expand_variables(list, ExpandFor::kServer);
  ASSERT_FALSE(expanded);
  EXPECT_NE(expanded.error().message.find("expands to more than a megabyte"), std::string::npos);
}

TEST(Variables, LongChainsDoNotExhaustTheStack) {
  JobVariables list = {variable("V0", "x")};
  for (int i = 1; i < 10'000; ++i)
    list.push_back(variable("V" + std::to_string(i), "$V" + std::to_string(i - 1)));
  std::ranges::reverse(list);
  EXPECT_EQ(value_of(expand_variables(list, ExpandFor::kServer), "V9999"), "x");
}

config::Variable written(std::string key, std::string value) {
  config::Variable out;
  out.key = std::move(key);
  out.value = std::move(value);
  return out;
}

TEST(Variables, MergeKeepsPlaces) {
  config::Variables weak = {written("A", "1"), written("B", "2")};
  merge_variables(weak, {written("C", "3"), written("A", "9"), written("C", "4")});
  ASSERT_EQ(weak.size(), 3U);
  EXPECT_EQ(weak[0].value, "9");
  EXPECT_EQ(weak[2].key + weak[2].value, "C4");
}

TEST(Variables, AReportRanksAboveTheFileAndBelowProjectAndPipeline) {
  JobMessage message;
  message.variables = {variable("A", "job"), variable("B", "job"), variable("B", "project")};
  message.overriding = 1;
  add_report_variables(message, {variable("A", "report"), variable("B", "report")});
  add_report_variables(message, {variable("A", "later report")});
  const VariableIndex index(message.variables);
  EXPECT_EQ(index.find("A")->value, "later report");
  EXPECT_EQ(index.find("B")->value, "project");
  message.overriding = 99;  // a stored message that does not fit: nothing is out of range
  add_report_variables(message, {variable("C", "report")});
  EXPECT_EQ(message.variables.front().key, "C");
}

}  // namespace
}  // namespace tidegate::pipeline
