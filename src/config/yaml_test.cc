#include "config/yaml.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "config/testing.h"

namespace tidegate::config::yaml {
namespace {

Parsed read(std::string_view text) {
  return parse(text, "f.yml");
}

/// The one value under `v`.
NodePtr value(std::string_view text) {
  const Parsed parsed = read("v: " + std::string(text));
  EXPECT_FALSE(has_errors(parsed.diagnostics)) << text << testing::text_of(parsed.diagnostics);
  return parsed.documents.at(0)->entries.at(0).value;
}

std::string code_of(std::string_view text) {
  const Parsed parsed = read(text);
  for (const Diagnostic& found : parsed.diagnostics)
    if (found.severity == Severity::kError) return found.code;
  return "";
}

struct Plain {
  const char* written;
  Kind kind;
  const char* text;
};

TEST(Yaml, ReadsPlainScalarsAsPsychDoes) {
  const Plain cases[] = {
      {"1.10", Kind::kFloat, "1.1"},
      {"on", Kind::kBool, "true"},
      {"No", Kind::kBool, "false"},
      {"y", Kind::kString, "y"},
      {"010", Kind::kInt, "8"},
      {"08", Kind::kString, "08"},
      {"1e3", Kind::kString, "1e3"},
      {"1.5e+3", Kind::kFloat, "1500.0"},
      {"1:30", Kind::kInt, "5400"},
      {"-1:30", Kind::kInt, "-1800"},
      {"1,000", Kind::kInt, "1000"},
      {"0o17", Kind::kString, "0o17"},
      {":sym", Kind::kString, "sym"},
      {":\"s\"x", Kind::kString, "s"},
      {"-0", Kind::kInt, "0"},
      {"+12", Kind::kInt, "12"},
      {"123456789012345678901234567890", Kind::kInt, "123456789012345678901234567890"},
      {".inf", Kind::kFloat, "Infinity"},
      {"-.INF", Kind::kFloat, "-Infinity"},
      {".nan", Kind::kFloat, "NaN"},
      {"1.0e+30", Kind::kFloat, "1.0e+30"},
      {"100000000000000000.5", Kind::kFloat, "1.0e+17"},
      {"~", Kind::kNull, ""},
      {"", Kind::kNull, ""},
      {"NULL", Kind::kNull, ""},
      {"'1'", Kind::kString, "1"},
      {"2020-13-45", Kind::kString, "2020-13-45"},
      {"!!str 1", Kind::kString, "1"},
      {"!!float 3", Kind::kFloat, "3.0"},
      {"! 1", Kind::kInt, "1"},
      {"!foo '1'", Kind::kInt, "1"},
  };
  for (const Plain& c : cases) {
    const NodePtr node = value(c.written);
    EXPECT_EQ(static_cast<int>(node->kind), static_cast<int>(c.kind)) << c.written << " gives " << node->text;
    EXPECT_EQ(node->text, c.text) << c.written;
  }
}

TEST(Yaml, RefusesDatesTimesAndRubyObjects) {
  for (const char* text :
       {"v: 2020-01-01", "v: 2020-1-1", "v: 2001-12-14t21:59:43.10-05:00", "v: 2001-12-14 21:59:43Z",
        "v: !ruby/object:Object {}", "v: !ruby/regexp /a/", "v: 0x_", "v: .e-9", "v: !!float x"})
    EXPECT_EQ(code_of(text), "yaml-refused-type") << text;
}

TEST(Yaml, TheLastOfTwoEqualKeysWinsWithAWarning) {
  const Parsed parsed = read("a: 1\nb: 2\na: 3\n");
  ASSERT_EQ(parsed.documents[0]->entries.size(), 2U);
  EXPECT_EQ(parsed.documents[0]->find("a")->text, "3");
  EXPECT_EQ(parsed.documents[0]->entries[0].key, "a") << "it keeps its first place";
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].code, "duplicate-key");
  EXPECT_EQ(parsed.diagnostics[0].place.line, 3U);
}

TEST(Yaml, MergeKeysFollowPsych) {
  const Parsed parsed = read(R"(
one: &one {x: 1, y: 1}
two: &two {x: 2, z: 2}
list: &list [1]
later: {<<: *one, <<: *two}
first: {<<: [*one, *two]}
before: {x: 0, <<: *one}
after: {<<: *one, x: 0}
odd: {<<: *list}
text: {"<<": *one}
tagged: {!!str <<: *one}
)");
  ASSERT_TRUE(parsed.diagnostics.empty()) << testing::text_of(parsed.diagnostics);
  const Node& root = *parsed.documents[0];
  EXPECT_EQ(root.find("later")->find("x")->text, "2");
  EXPECT_EQ(root.find("first")->find("x")->text, "1");
  EXPECT_EQ(root.find("before")->find("x")->text, "1") << "own keys before << lose";
  EXPECT_EQ(root.find("after")->find("x")->text, "0");
  EXPECT_TRUE(root.find("odd")->find("<<")->is_list());
  EXPECT_EQ(root.find("text")->find("y")->text, "1") << "a quoted << merges too";
  EXPECT_TRUE(root.find("tagged")->find("<<")->is_map());
}

TEST(Yaml, MarksPointAtTheTextWhereverTheValueIsUsed) {
  const Parsed parsed = read("a: &a\n  k: 1\nb:\n  <<: *a\n");
  const Entry* entry = parsed.documents[0]->find("b")->find_entry("k");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->mark.place(), (Place{.file = "f.yml", .line = 2, .column = 3}));
}

TEST(Yaml, SyntaxErrorsSayWhere) {
  const Parsed parsed = read("a: 1\nb: c: d\n");
  ASSERT_EQ(parsed.diagnostics.size(), 1U);
  EXPECT_EQ(parsed.diagnostics[0].code, "yaml-syntax");
  EXPECT_EQ(parsed.diagnostics[0].place.line, 2U);
  EXPECT_FALSE(parsed.diagnostics[0].hint.empty());
}

TEST(Yaml, StopsAtEachLimit) {
  EXPECT_EQ(code_of(std::string(3 * 1024 * 1024, 'a')), "yaml-too-large");
  EXPECT_EQ(code_of(std::string(101, '[') + std::string(101, ']')), "yaml-too-deep");
  EXPECT_EQ(code_of(std::string(100, '[') + std::string(100, ']')), "");
  Limits few;
  few.nodes = 5;
  EXPECT_TRUE(has_errors(parse("[a, b, c, d, e]", "f", few).diagnostics));
  EXPECT_FALSE(has_errors(parse("[a, b, c, d]", "f", few).diagnostics));
}

TEST(Yaml, AliasBombsAreRefusedQuickly) {
  std::string laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    laughs += fmt::format("{}: &{} [", c, c);
    for (int i = 0; i < 10; ++i) laughs += fmt::format("*{},", static_cast<char>(c - 1));
    laughs += "]\n";
  }
  EXPECT_EQ(code_of(laughs), "yaml-too-large");
  std::string big = "big: &big {";
  for (int i = 0; i < 100; ++i) big += fmt::format("k{}: 1,", i);
  big += "}\n";
  for (int i = 0; i < 100; ++i) big += fmt::format("m{}: {{<<: *big}}\n", i);
  Limits few;
  few.nodes = 2000;
  const Parsed merged = parse(big, "f", few);
  EXPECT_TRUE(testing::find(merged.diagnostics, "yaml-too-large"));
}

TEST(Yaml, AnAliasInsideItselfOrToNothingIsAnError) {
  EXPECT_EQ(code_of("a: &a {b: *a}"), "yaml-alias-cycle");
  EXPECT_EQ(code_of("a: *nothing"), "yaml-unknown-anchor");
}

TEST(Yaml, AnAnchorGivenAgainInsideItsOwnValueStaysWithTheInnerOne) {
  const Parsed parsed = read("a: &a [&a x]\nb: *a\n");
  EXPECT_EQ(parsed.documents[0]->find("b")->text, "x");
}

TEST(Yaml, AMergeKeyTakesNoReference) {
  EXPECT_EQ(code_of("a: {<<: !reference [b, c]}"), "invalid-merge");
}

TEST(Yaml, BytesThatAreNoTextAreRefused) {
  EXPECT_EQ(code_of("a: \xff\xfe"), "yaml-syntax");
  EXPECT_EQ(code_of(std::string_view("a: \0", 4)), "yaml-syntax");
  EXPECT_EQ(code_of("a: \x01"), "yaml-syntax");
}

TEST(Yaml, WhatIsEmittedReadsBackTheSame) {
  const char* texts[] = {
      "a: [1, 1.5, true, ~, '1', 'on', '', ' x', 'x ', 'a: b', 'a #b', '- x', '!x', '2020-01-01']",
      "a: \"line\\nline\\n\"\nb: \"x\\n\\n\"\nc: \" x\\ny\"\nd: \"\\n\"\ne: \"a\\rb\"\nf: \"tab\\t\\nx\"",
      "? [a, b]\n: c\n'<<': x\n\"k:\": 1\n\"\": 2\n'#': 3",
      "a: !reference [.x, script]\nb: [[1, [2]], {a: []}, {}, []]",
      "v: \"\\u0085 \\u2028 \\ufeff \\U0001F600 \\x7f \\e\"",
      "- - a\n  - b\n- c: d\n  e:\n  - f",
      "text",
  };
  for (const char* text : texts) {
    const Parsed parsed = read(text);
    ASSERT_EQ(parsed.documents.size(), 1U) << text << testing::text_of(parsed.diagnostics);
    const std::string once = emit(*parsed.documents[0]);
    const Parsed again = read(once);
    ASSERT_EQ(again.documents.size(), 1U) << once << testing::text_of(again.diagnostics);
    EXPECT_EQ(emit(*again.documents[0]), once);
    EXPECT_EQ(again.documents[0]->weight, parsed.documents[0]->weight) << once;
  }
}

TEST(Yaml, FoldedScalarsAreKnownAsSuch) {
  EXPECT_TRUE(value("a\n  b")->folded);
  EXPECT_FALSE(value("|\n  a\n  b")->folded);
  EXPECT_FALSE(value("a")->folded);
}

}  // namespace
}  // namespace tidegate::config::yaml
