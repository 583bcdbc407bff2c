#include "pipeline/include_scope.h"

#include <map>

#include <gtest/gtest.h>

#include "config/load.h"
#include "config/testing.h"

namespace tidegate::pipeline {
namespace {

using config::testing::codes;
using config::testing::find;
using config::testing::job;
using config::testing::text_of;

using Files = std::map<std::string, std::string>;

config::Loaded load_in(const Context& context, const std::string& text, const Files& files,
                       config::GivenInputs inputs = {}) {
  config::Sources sources = config::testing::sources_of(files);
  sources.scope = include_scope(context);
  sources.inputs = std::move(inputs);
  return config::load(text, ".gitlab-ci.yml", sources);
}

const Files kParts = {{"a.yml", "a: {script: x}"}, {"b.yml", "b: {script: x}"}};

TEST(IncludeScope, RulesDecideByVariablesTreeAndChanges) {
  Context context;
  context.pipeline = {{"WANT", "yes"}};
  context.tree = [] { return std::vector<std::string>{"src/main.cc"}; };
  context.changed = std::vector<std::string>{"src/main.cc"};
  struct Case {
    std::string rules;
    bool included;
  };
  const Case cases[] = {
      {"[{if: '$WANT == \"yes\"'}]", true},
      {"[{if: '$WANT == \"no\"'}]", false},
      {"[{if: '$WANT == \"yes\"', when: never}]", false},
      {"[{if: '$WANT == \"yes\"', when: always}]", true},
      {"[{if: '$UNKNOWN'}, {when: always}]", true},
      {"[{if: '$CI_COMMIT_BRANCH == \"main\"'}]", true},
      {"[{exists: [src/*.cc]}]", true},
      {"[{exists: [lib/*.cc]}]", false},
      {"[{changes: [src/*]}]", true},
      {"[{changes: [docs/*]}]", false},
  };
  for (const Case& one : cases) {
    const auto loaded =
        load_in(context, "include: [{local: a.yml, rules: " + one.rules + "}]\nmain: {script: x}\n", kParts);
    ASSERT_TRUE(loaded.definition) << one.rules << text_of(loaded.diagnostics);
    EXPECT_EQ(job(loaded, "a") != nullptr, one.included) << one.rules;
  }
}

TEST(IncludeScope, VariablesOfTheConfigurationAreNotKnown) {
  const auto loaded = load_in({}, R"(
variables: {WANT: "yes"}
include:
  - local: a.yml
    rules: [{if: $WANT}]
main: {script: x}
)",
                              kParts);
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "a"), nullptr);
}

TEST(IncludeScope, ARuleThatDoesNotParseRefusesTheConfiguration) {
  const auto loaded =
      load_in({}, "include: [{local: a.yml, rules: [{if: '$A = 1'}]}]\nmain: {script: x}\n", kParts);
  const auto found = find(loaded.diagnostics, "invalid-expression");
  ASSERT_TRUE(found) << text_of(loaded.diagnostics);
  EXPECT_EQ(found->place.line, 1U);
}

TEST(IncludeScope, PathsTakeVariables) {
  Context context;
  context.project = {{"PART", "b"}};
  const auto loaded = load_in(context, "include: ['$PART.yml']\nmain: {script: x}\n", kParts);
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_NE(job(loaded, "b"), nullptr);
  const auto blank = load_in({}, "include: '$NOTHING'\nmain: {script: x}\n", kParts);
  EXPECT_TRUE(find(blank.diagnostics, "invalid-include")) << text_of(blank.diagnostics);
}

TEST(IncludeScope, ExpandVarsTakesWhatIsNotMaskedAndKeepsUnknownNames) {
  Context context;
  context.project = {{"OPEN", "value"}};
  context.project.push_back({.key = "SECRET", .value = "hidden", .is_public = false, .masked = true});
  const Files files = {
      {"t.yml", "spec: {inputs: {v: {}}}\n---\nj: {script: 'echo $[[ inputs.v | expand_vars ]]'}\n"}};
  const auto with = [&](const std::string& value) {
    return load_in(context, "include: [{local: t.yml, inputs: {v: '" + value + "'}}]\n", files);
  };
  const auto open = with("$OPEN ${OPEN} $OTHER");
  ASSERT_NE(job(open, "j"), nullptr) << text_of(open.diagnostics);
  EXPECT_EQ(job(open, "j")->script.at(0), "echo value value $OTHER");
  const auto secret = with("x${SECRET}");
  const auto found = find(secret.diagnostics, "invalid-interpolation");
  ASSERT_TRUE(found) << text_of(secret.diagnostics);
  EXPECT_EQ(found->place.file, "t.yml");
  EXPECT_EQ(found->message.find("hidden"), std::string::npos);
}

TEST(IncludeScope, FilesFromOutsideLearnNoVariable) {
  Context context;
  context.project = {{"TOKEN", "hidden"}};
  config::Sources sources;
  std::vector<std::string> asked;
  sources.remote = [&](const std::string& url) -> Result<std::string> {
    asked.push_back(url);
    if (url == "https://a.example/one.yml")
      return std::string("include: ['https://a.example/$TOKEN/two.yml']\none: {script: x}\n");
    return std::string("two: {script: x}\n");
  };
  sources.scope = include_scope(context);
  const auto loaded = config::load("include: https://a.example/one.yml\n", ".gitlab-ci.yml", sources);
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(asked, (std::vector<std::string>{"https://a.example/one.yml", "https://a.example//two.yml"}));
}

TEST(IncludeScope, FindingsDoNotTellMaskedValues) {
  Context context;
  context.project.push_back({.key = "SECRET", .value = "hidden", .is_public = false, .masked = true});
  const auto missing = load_in(context, "include: '$SECRET/a.yml'\n", {});
  ASSERT_EQ(missing.diagnostics.size(), 1U);
  EXPECT_EQ(missing.diagnostics[0].message, "Local file `[MASKED]/a.yml` does not exist!");
  const auto inside = load_in(context, "include: '$SECRET/a.yml'\n", {{"hidden/a.yml", "j: {scrip: x}"}});
  EXPECT_EQ(text_of(inside.diagnostics).find("hidden"), std::string::npos) << text_of(inside.diagnostics);
}

TEST(IncludeScope, ARegexIsRe2AndABrokenOneIsNamed) {
  const Files files = {
      {"good.yml", "spec: {inputs: {v: {regex: '^v\\d+$'}}}\n---\nj: {script: 'echo $[[ inputs.v ]]'}\n"},
      {"bad.yml", "spec: {inputs: {v: {regex: '^[unclosed'}}}\n---\nj: {script: 'echo $[[ inputs.v ]]'}\n"}};
  const auto with = [&](const std::string& file, const std::string& value) {
    return load_in({}, "include: [{local: " + file + ", inputs: {v: '" + value + "'}}]\n", files);
  };
  EXPECT_TRUE(with("good.yml", "v12").definition);
  EXPECT_EQ(codes(with("good.yml", "12").diagnostics), std::vector<std::string>{"invalid-input"});
  EXPECT_EQ(codes(with("bad.yml", "v12").diagnostics), std::vector<std::string>{"invalid-pattern"});
}

TEST(IncludeScope, RulesOfInputsChooseOptionsAndDefault) {
  const std::string text = R"(spec:
  inputs:
    cloud: {options: [aws, gcp], default: aws}
    size:
      rules:
        - if: $[[ inputs.cloud ]] == 'aws'
          options: [t3, m5]
          default: t3
        - options: [small]
          default: small
---
j: {script: 'echo $[[ inputs.size ]]'}
)";
  const auto size = [&](config::GivenInputs inputs) {
    const auto loaded = load_in({}, text, {}, std::move(inputs));
    return job(loaded, "j") == nullptr ? text_of(loaded.diagnostics) : job(loaded, "j")->script.at(0);
  };
  using config::text_input;
  EXPECT_EQ(size({}), "echo t3");
  EXPECT_EQ(size({text_input("cloud", "gcp")}), "echo small");
  EXPECT_EQ(size({text_input("size", "m5")}), "echo m5");
  EXPECT_NE(size({text_input("cloud", "gcp"), text_input("size", "m5")}).find("invalid-input"),
            std::string::npos);
}

}  // namespace
}  // namespace tidegate::pipeline
