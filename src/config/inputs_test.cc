#include "config/inputs.h"

#include <gtest/gtest.h>

#include "config/interpolate.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

using testing::codes;
using testing::find;
using testing::job;
using testing::load_text;
using testing::text_of;

using Lines = std::vector<std::string>;

/// `content` with a header of these inputs, included with these values.
Loaded with_inputs(const std::string& declared, const std::string& content, const std::string& given) {
  return load_text("include: [{local: t.yml, inputs: " + given + "}]\n",
                   {{"t.yml", "spec: {inputs: " + declared + "}\n---\n" + content}});
}

std::string first_code(const Loaded& loaded) {
  return loaded.diagnostics.empty() ? "(none)" : loaded.diagnostics.front().code;
}

TEST(Inputs, AWholeValueKeepsItsTypeAndTextTakesItAsText) {
  const Loaded loaded = with_inputs("{n: {type: number}, b: {type: boolean}, a: {type: array}, s: }", R"(
"job-$[[ inputs.s ]]":
  script: ["echo $[[ inputs.n ]] $[[inputs.b]] $[[ inputs.a ]]", "$[[ inputs.a ]]", "end"]
  retry: $[[ inputs.n ]]
  allow_failure: $[[ inputs.b ]]
  tags: $[[ inputs.a ]]
)",
                                    "{n: 2, b: true, a: [x, y], s: z}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  const Job& j = *job(loaded, "job-z");
  EXPECT_EQ(j.script, (Lines{"echo 2 true [\"x\",\"y\"]", "x", "y", "end"}));
  EXPECT_EQ(j.retry->max, 2);
  EXPECT_TRUE(j.allow_failure->value);
  EXPECT_EQ(j.tags, (Lines{"x", "y"}));
}

TEST(Inputs, FunctionsOfABlock) {
  struct Case {
    std::string block;
    std::string value;
    std::string expected;  ///< a code when the configuration is refused
  };
  const Case cases[] = {
      {"inputs.v | truncate(3,5)", "0123456789", "34567"},
      {"inputs.v|truncate( 1 , 7 )|truncate(2,3)", "0123456789", "345"},
      {"inputs.v | truncate(20,5)", "short", ""},
      {"inputs.v | truncate(1,99999999999999999999)", "abc", "bc"},
      {"inputs.v | truncate(1,2)", "äöü€", "öü"},
      {"inputs.v | posix_escape", "it's a $b", "it\\'s\\ a\\ \\$b"},
      {"inputs.v | posix_escape", "ä/b-c.d:e,f@g+h_i", "\\ä/b-c.d:e,f@g+h_i"},
      {"inputs.v | split(',')", "a, b,,c", "[\"a\",\"b\",\"c\"]"},
      {"inputs.v | split('')", "a", "invalid-interpolation"},
      {"inputs.v | truncate(1)", "a", "invalid-interpolation"},
      {"inputs.v | nothing", "a", "invalid-interpolation"},
      {"inputs.v |", "a", "a"},
      {"inputs.v | truncate(0,1) | truncate(0,1) | truncate(0,1) | truncate(0,1)", "a",
       "invalid-interpolation"},
      {"inputs.other", "a", "unknown-input"},
      {"others.v", "a", "unknown-input"},
      {"component.name", "a", "unknown-input"},
      {"inputs", "a", "invalid-interpolation"},
      {"inputs.v[0]", "a", "invalid-interpolation"},
      {"inputs.v[x]", "a", "invalid-interpolation"},
      {"matrix.V", "a", "$[[ matrix.V ]]"},
  };
  for (const Case& one : cases) {
    const Loaded loaded = with_inputs("{v: }", "j: {script: \"<$[[ " + one.block + " ]]>\"}",
                                      "{v: " + testing::quoted(one.value) + "}");
    const Job* j = job(loaded, "j");
    const std::string got =
        j == nullptr ? first_code(loaded) : j->script.at(0).substr(1, j->script[0].size() - 2);
    EXPECT_EQ(got, one.expected) << one.block << "\n" << text_of(loaded.diagnostics);
  }
}

TEST(Inputs, ItemsOfArraysAreReachedByTheirNumber) {
  const Loaded loaded =
      with_inputs("{a: {type: array}}", "j: {script: ['$[[ inputs.a[0] ]]', 'x$[[ inputs.a[1].host ]]']}",
                  "{a: [one, {host: h}]}");
  ASSERT_TRUE(loaded.definition) << text_of(loaded.diagnostics);
  EXPECT_EQ(job(loaded, "j")->script, (Lines{"one", "xh"}));
}

TEST(Inputs, WhatIsGivenMustFitWhatIsDeclared) {
  struct Case {
    std::string declared;
    std::string given;
    std::string code;
  };
  const Case cases[] = {
      {"{v: }", "{v: text}", "(none)"},
      {"{v: }", "{v: 1}", "invalid-input"},
      {"{v: }", "{}", "missing-input"},
      {"{v: }", "{v: null}", "missing-input"},
      {"{v: {default: d}}", "{}", "(none)"},
      {"{v: {default: 1}}", "{}", "(none)"},
      {"{v: {default: d}}", "{w: x}", "unknown-input"},
      {"{v: {type: number}}", "{v: '1'}", "invalid-input"},
      {"{v: {type: number}}", "{v: 1.5}", "(none)"},
      {"{v: {type: number, default: text}}", "{v: 1}", "invalid-input"},
      {"{v: {type: boolean}}", "{v: 'true'}", "invalid-input"},
      {"{v: {type: array}}", "{v: text}", "invalid-input"},
      {"{v: {type: object}}", "{v: text}", "invalid-value"},
      {"{v: {options: [a, b]}}", "{v: b}", "(none)"},
      {"{v: {options: [a, b]}}", "{v: c}", "invalid-input"},
      {"{v: {options: [a, b], default: c}}", "{v: a}", "invalid-input"},
      {"{v: {type: number, options: [1, 2]}}", "{v: 3}", "invalid-input"},
      {"{v: {type: array, options: [a, b], default: []}}", "{v: [a, c]}", "invalid-input"},
      {"{v: {type: boolean, options: [true]}}", "{v: true}", "invalid-value"},
      {"{v: {type: number, regex: x}}", "{v: 1}", "invalid-value"},
      {"{v: {options: [a], rules: [{options: [b]}]}}", "{v: a}", "invalid-value"},
      {"{v: {rules: [{default: b}]}}", "{v: a}", "missing-keyword"},
      {"{v: {tpye: string}}", "{v: a}", "unknown-keyword"},
      {"[v]", "{v: a}", "invalid-type"},
  };
  for (const Case& one : cases) {
    const Loaded loaded = with_inputs(one.declared, "j: {script: 'x$[[ inputs.v ]]'}", one.given);
    EXPECT_EQ(first_code(loaded), one.code) << one.declared << one.given << text_of(loaded.diagnostics);
    EXPECT_EQ(loaded.definition.has_value(), one.code == "(none)");
  }
}

TEST(Inputs, FindingsNameTheValueAndTheIncludeChain) {
  const Loaded loaded =
      load_text("include: a.yml\n", {{"a.yml", "include:\n  - local: t.yml\n    inputs: {v: 1}\n"},
                                     {"t.yml", "spec: {inputs: {v: }}\n---\nj: {script: x}\n"}});
  const auto found = find(loaded.diagnostics, "invalid-input");
  ASSERT_TRUE(found) << text_of(loaded.diagnostics);
  EXPECT_EQ(found->place, (Place{.file = "a.yml", .line = 3, .column = 17}));
  ASSERT_EQ(found->via.size(), 1U);
  EXPECT_EQ(found->via[0].place, (Place{.file = ".gitlab-ci.yml", .line = 1, .column = 10}));
}

TEST(Inputs, ThoseOfThePipelineComeAsText) {
  const std::string text = R"(spec:
  inputs:
    n: {type: number, default: 1}
    b: {type: boolean, default: false}
    a: {type: array, default: []}
    s: {default: ""}
---
j: {script: ['$[[ inputs.n ]]$[[ inputs.b ]]$[[ inputs.a ]]$[[ inputs.s ]]']}
)";
  const auto line = [&](GivenInputs inputs) {
    Sources sources;
    sources.inputs = std::move(inputs);
    const Loaded loaded = load(text, ".gitlab-ci.yml", sources);
    return job(loaded, "j") == nullptr ? first_code(loaded) : job(loaded, "j")->script.at(0);
  };
  EXPECT_EQ(line({}), "1false[]");
  EXPECT_EQ(
      line({text_input("n", "5"), text_input("b", "true"), text_input("a", "[\"x\"]"), text_input("s", "5")}),
      "5true[\"x\"]5");
  EXPECT_EQ(line({text_input("n", "-1.5")}), "-1.5false[]");
  EXPECT_EQ(line({text_input("n", "010")}), "invalid-input");
  EXPECT_EQ(line({text_input("n", "five")}), "invalid-input");
  EXPECT_EQ(line({text_input("b", "yes")}), "invalid-input");
  EXPECT_EQ(line({text_input("a", "x")}), "invalid-input");
  EXPECT_EQ(line({text_input("nn", "1")}), "unknown-input");
}

TEST(Inputs, WithoutAHeaderNothingIsReplacedAndNothingMayBeGiven) {
  const Loaded plain = load_text("j: {script: 'echo $[[ inputs.v ]]'}\n");
  ASSERT_TRUE(plain.definition);
  EXPECT_EQ(job(plain, "j")->script.at(0), "echo $[[ inputs.v ]]");
  EXPECT_EQ(codes(plain.diagnostics), Lines{"inputs-without-spec"});
  const Loaded given =
      load_text("include: [{local: a.yml, inputs: {v: x}}]\n", {{"a.yml", "j: {script: x}\n"}});
  EXPECT_EQ(first_code(given), "unknown-input");
}

TEST(Inputs, HostileHeadersAndBlocksAreRefusedNotFollowed) {
  const std::string big(600'000, 'x');
  std::string many = "j:\n  script:\n";
  for (int i = 0; i < 2000; ++i) many += "    - 'a" + std::to_string(i) + " $[[ inputs.v ]]'\n";
  EXPECT_EQ(first_code(with_inputs("{v: }", many, "{v: " + big + "}")), "config-too-large");
  const Loaded twice =
      with_inputs("{v: }", "j: {script: 'x$[[ inputs.v ]]$[[ inputs.v ]]'}", "{v: " + big + "}");
  EXPECT_EQ(first_code(twice), "invalid-interpolation");
  std::string deep = "x";
  for (int i = 0; i < 60; ++i) deep = "[" + deep + "]";
  std::string nest = "'$[[ inputs.v ]]'";
  for (int i = 0; i < 60; ++i) nest = "{k: " + nest + "}";
  EXPECT_EQ(first_code(with_inputs("{v: {type: array}}", "j: " + nest, "{v: " + deep + "}")),
            "yaml-too-deep");
}

TEST(FindBlocks, FindsWhatGitLabFinds) {
  const auto data = [](std::string_view text) {
    Lines found;
    for (const InterpolationBlock& block : find_blocks(text)) found.emplace_back(block.data);
    return found;
  };
  EXPECT_EQ(data("$[[ inputs.a ]] and $[[inputs.b|f]]"), (Lines{"inputs.a", "inputs.b|f"}));
  EXPECT_EQ(data("$[[ inputs.a\n]]"), Lines{"inputs.a"});
  EXPECT_EQ(data("$[[ inputs.a[0] ]]"), Lines{"inputs.a[0]"});
  EXPECT_EQ(data("$[[ x ]] $[[ a\nb ]] $[["), Lines{});
  EXPECT_EQ(data("$[[ ]]"), Lines{});
  EXPECT_EQ(data("$[[ open $[[ inputs.a ]]"), Lines{"open $[[ inputs.a"});
  EXPECT_EQ(data("$[[ open\n$[[ inputs.a ]]"), Lines{"inputs.a"});
}

TEST(FindBlocks, TakesLinearTime) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "$[[";
  EXPECT_TRUE(find_blocks(text).empty());
  EXPECT_TRUE(find_blocks(text + std::string(500'000, '\n')).empty());
}

}  // namespace
}  // namespace tidegate::config
