#include "adapters/neo4j/curriculum_json.h"

#include <gtest/gtest.h>

namespace tidegate::neo4j {
namespace {

using Lines = std::vector<std::string>;

Lines problems(const Curriculum& curriculum) {
  Lines lines;
  for (const auto& problem : curriculum.problems) lines.push_back(to_string(problem));
  return lines;
}

TEST(CurriculumJson, ReadsNodesEdgesAndProperties) {
  const auto read = parse_curriculum(R"({
    "curriculum": "math", "revision": 2022, "licence": {"ignored": true},
    "nodes": [{"uid": "a", "label": "Standard", "code": "[2수01-01]", "grade": 2, "weight": 0.5, "core": true,
               "none": null, "tags": ["x", "y"], "years": [1, 2], "vector": [1, 0.5]},
              {"uid": "b", "label": "Level"}],
    "edges": [{"type": "PREREQUISITE_OF", "from": "a", "to": "b", "strength": 1.0}]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(problems(*read), Lines{});
  EXPECT_EQ(read->graph.curriculum, "math");
  EXPECT_EQ(read->graph.revision, "2022");
  ASSERT_EQ(read->graph.nodes.size(), 2U);
  const std::vector<release::GraphProperty> expected = {
      {"code", std::string("[2수01-01]")},
      {"grade", std::int64_t{2}},
      {"weight", 0.5},
      {"core", true},
      {"tags", std::vector<std::string>{"x", "y"}},
      {"years", std::vector<std::int64_t>{1, 2}},
      {"vector", std::vector<double>{1, 0.5}},
  };
  EXPECT_EQ(read->graph.nodes[0].properties, expected);
  ASSERT_EQ(read->graph.edges.size(), 1U);
  EXPECT_EQ(read->graph.edges[0], (release::GraphEdge{0, "PREREQUISITE_OF", "a", "b", {{"strength", 1.0}}}));
  EXPECT_TRUE(validate(read->graph).empty());
}

TEST(CurriculumJson, NamesEveryFaultOfShapeAndKeepsTheRest) {
  const auto read = parse_curriculum(R"({"curriculum": [], "nodes": [
      {"label": "A"}, {"uid": 7, "label": "A"}, "text", {"uid": "ok", "label": "A", "deep": {}, "mix": [1, "a"],
       "big": 18446744073709551615, "a/b~c": [true]}], "edges": [{"type": "T", "from": "ok"}]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(
      problems(*read),
      (Lines{"/curriculum: shape: is a list, not a text", "/nodes/0/uid: shape: is missing",
             "/nodes/1/uid: shape: is a number, not a text", "/nodes/2: shape: is a text, not an object",
             "/nodes/3/deep: value: is an object; a property is a text, a number, a boolean or a list",
             "/nodes/3/mix: value: the list is not of one kind (texts, or numbers)",
             "/nodes/3/big: value: the number is larger than 64 bits",
             "/nodes/3/a~1b~0c: value: the list is not of one kind (texts, or numbers)",
             "/edges/0/to: shape: is missing"}));
  ASSERT_EQ(read->graph.nodes.size(), 1U);
  EXPECT_EQ(read->graph.nodes[0].index, 3U);
}

TEST(CurriculumJson, WhatIsNotAnObjectWithNodes) {
  EXPECT_EQ(problems(*parse_curriculum("[]")), Lines{"shape: the whole is a list, not an object"});
  EXPECT_EQ(problems(*parse_curriculum("{}")), Lines{"/nodes: shape: is missing"});
  EXPECT_EQ(problems(*parse_curriculum(R"({"nodes": {}, "edges": 1})")),
            (Lines{"/nodes: shape: is an object, not a list", "/edges: shape: is a number, not a list"}));
}

TEST(CurriculumJson, WhatIsNotJsonSaysWhere) {
  const auto message = [](std::string_view text) {
    const auto read = parse_curriculum(text);
    EXPECT_FALSE(read);
    if (read) return std::string();
    EXPECT_EQ(read.error().code, Errc::kInvalid);
    return read.error().message;
  };
  EXPECT_NE(message("{\n  \"nodes\": [1,\n ,]}").find("line 3, column 2"), std::string::npos);
  EXPECT_NE(message("").find("line 1, column 1"), std::string::npos);
  EXPECT_NE(message("{\"nodes\": [").find("not JSON"), std::string::npos);
  EXPECT_NE(message("{} {}").find("more text after the end, line 1, column 4"), std::string::npos);
  EXPECT_NE(message("{\"nodes\": \"\xff\xfe\"}").find("not JSON"), std::string::npos);
  EXPECT_NE(message(std::string("\0\0\0", 3)).find("not JSON"), std::string::npos);
}

TEST(CurriculumJson, HostileTextIsBounded) {
  EXPECT_FALSE(parse_curriculum(std::string(1U << 20U, '[')));
  CurriculumLimits limits;
  limits.max_bytes = 100;
  EXPECT_NE(parse_curriculum(std::string(101, ' '), limits).error().message.find("at most 100"),
            std::string::npos);
  limits = {};
  limits.max_memory = 1U << 20U;
  std::string wide = "{\"nodes\": [";
  for (int i = 0; i < 100'000; ++i) wide += "[],";
  wide += "[]]}";
  EXPECT_NE(parse_curriculum(wide, limits).error().message.find("memory"), std::string::npos);
  const auto many = parse_curriculum(wide);
  ASSERT_TRUE(many);
  EXPECT_EQ(many->problems.size(), 201U);
}

}  // namespace
}  // namespace tidegate::neo4j
