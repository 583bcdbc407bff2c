#include "config/instances.h"

#include <gtest/gtest.h>

#include "config/document.h"
#include "config/read_parts.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::load_text;

std::vector<std::string> names(const Instances& instances) {
  std::vector<std::string> out;
  for (const Instance& instance : instances.all()) out.push_back(instance.name);
  return out;
}

using Names = std::vector<std::string>;

struct Named {
  std::string_view parallel;
  Names names;
};

const std::vector<Named> kNames = {
    {"parallel: 3", {"a 1/3", "a 2/3", "a 3/3"}},
    {"parallel: 1", {"a 1/1"}},
    {"parallel: {matrix: [{P: aws, S: [x, y]}, {P: [gcp, vultr], S: [z]}]}",
     {"a: [aws, x]", "a: [aws, y]", "a: [gcp, z]", "a: [vultr, z]"}},
    {"parallel: {matrix: [{A: [1, 2.50, true], B: ['', on]}]}",
     {"a: [1, ]", "a: [1, true]", "a: [2.5, ]", "a: [2.5, true]", "a: [true, ]", "a: [true, true]"}},
    {"parallel: {matrix: [{A: [x, x]}, {B: x}]}", {"a: [x]"}},
    {"parallel: {matrix: [{A: [x], B: []}, {A: y}]}", {"a: [y]"}},
};

TEST(Instances, AreNamedAsOnGitLab) {
  for (const Named& row : kNames) {
    const auto loaded = load_text("a:\n  script: x\n  " + std::string(row.parallel) + "\nz: {script: y}\n");
    ASSERT_TRUE(loaded.definition) << row.parallel << testing::text_of(loaded.diagnostics);
    Names wanted = row.names;
    wanted.emplace_back("z");
    EXPECT_EQ(names(Instances(*loaded.definition)), wanted) << row.parallel;
  }
}

TEST(Instances, TheLastOfEqualNamesCountsAtThePlaceOfTheFirst) {
  const auto loaded = load_text("a:\n  script: x\n  parallel: {matrix: [{A: [x, y]}, {B: x}]}\n");
  ASSERT_TRUE(loaded.definition);
  const Instances instances(*loaded.definition);
  ASSERT_EQ(names(instances), (Names{"a: [x]", "a: [y]"}));
  const Instance& first = instances.all().front();
  EXPECT_EQ(first.index, 3);
  EXPECT_EQ(first.total, 3);
  EXPECT_EQ(first.variables.at(0).key, "B");
  EXPECT_EQ(instances.of("a").size(), 2U);
}

TEST(Instances, AnInstanceTakesTheNameOfAPlainJobBeforeIt) {
  const auto loaded = load_text("a 1/2: {script: x}\na: {script: y, parallel: 2}\n");
  ASSERT_TRUE(loaded.definition);
  const Instances instances(*loaded.definition);
  EXPECT_EQ(names(instances), (Names{"a 1/2", "a 2/2"}));
  EXPECT_EQ(instances.find("a 1/2")->job->name, "a");
  EXPECT_TRUE(instances.of("a 1/2").empty());
  EXPECT_EQ(instances.of("a").size(), 2U);
}

struct NeedCase {
  std::string_view need;
  Names means;  ///< of the consumer's instance [b, 2]; empty: an error
};

const std::vector<NeedCase> kNeeds = {
    {"made", {"made: [a, 1]", "made: [a, 2]", "made: [b, 1]", "made: [b, 2]"}},
    {"'made: [a, 2]'", {"made: [a, 2]"}},
    {"plain", {"plain"}},
    {"{job: made, parallel: {matrix: [{L: a, N: [1, 2]}]}}", {"made: [a, 1]", "made: [a, 2]"}},
    {"{job: made, parallel: {matrix: [{L: '$[[ matrix.L ]]', N: '$[[matrix.N]]'}]}}", {"made: [b, 2]"}},
    {"{job: 'made: [$[[ matrix.L ]], $[[ matrix.N ]]]'}", {"made: [b, 2]"}},
    {"{job: made, parallel: {matrix: [{L: 'x$[[ inputs.L ]]', N: '$[[ matrix.N'}]}}",
     {"made: [x$[[ inputs.L ]], $[[ matrix.N]"}},
    {"{job: made, parallel: {matrix: [{L: '$[[ matrix.NOPE ]]', N: 1}]}}", {}},
};

/// One entry of `needs`, as it stands in a file.
Need read_one(std::string_view text) {
  Findings out;
  const auto root = read_document("needs: [" + std::string(text) + "]", "f", out);
  if (!root) throw std::runtime_error("no YAML: " + std::string(text));
  const auto needs = read_needs(Value(*root->content->find("needs"), "needs", out));
  EXPECT_FALSE(out.has_errors()) << text;
  return needs && !needs->empty() ? needs->front() : Need{};
}

TEST(Instances, NeedsMeanInstances) {
  const auto loaded = load_text(
      "plain: {script: x}\n"
      "made: {script: x, parallel: {matrix: [{L: [a, b], N: [1, 2]}]}}\n"
      "user: {script: x, parallel: {matrix: [{L: [a, b], N: [1, 2]}]}}\n");
  ASSERT_TRUE(loaded.definition) << testing::text_of(loaded.diagnostics);
  const Instances instances(*loaded.definition);
  for (const NeedCase& row : kNeeds) {
    const auto means = instances.needed(read_one(row.need), *instances.find("user: [b, 2]"));
    EXPECT_EQ(means.has_value(), !row.means.empty()) << row.need;
    if (means) EXPECT_EQ(*means, row.means) << row.need;
  }
}

TEST(Instances, OfAPlainJobHaveNoMatrixForExpressions) {
  const auto loaded = load_text("a: {script: x}\n");
  ASSERT_TRUE(loaded.definition);
  const Instances instances(*loaded.definition);
  const Need need = read_one("'$[[ matrix.L ]]'");
  EXPECT_TRUE(has_matrix_expression(need));
  EXPECT_FALSE(instances.needed(need, instances.all().front()));
}

}  // namespace
}  // namespace tidegate::config
