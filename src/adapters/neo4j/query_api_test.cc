// What needs no server: parameters, canonical values, golden queries' text, batches.
#include "adapters/neo4j/query_api.h"

#include <gtest/gtest.h>

#include "adapters/neo4j/batches.h"
#include "adapters/neo4j/golden.h"

namespace tidegate::neo4j {
namespace {

TEST(Parameters, AreJsonWhateverTheText) {
  Parameters parameters;
  parameters.text("a", "quote \" and \\ and \n 한글").integer("b", -3).raw("c", "[1]");
  EXPECT_EQ(parameters.json(), R"({"a":"quote \" and \\ and \n 한글","b":-3,"c":[1]})");
}

TEST(CanonicalJson, MakesEqualValuesEqualTexts) {
  EXPECT_EQ(*canonical_json(R"( {"b": 1.0, "a": [1e0, 2.5, "x", null, true]} )"),
            R"({"a":[1,2.5E0,"x",null,true],"b":1})");
  EXPECT_EQ(*canonical_json("3"), *canonical_json("3.0"));
  EXPECT_FALSE(canonical_json("{"));
}

TEST(Cell, GivesTextAndInteger) {
  EXPECT_EQ(Cell{"\"a\\n\""}.text(), "a\n");
  EXPECT_EQ(Cell{"12"}.integer(), 12);
  EXPECT_EQ(Cell{"null"}.text(), std::nullopt);
  EXPECT_EQ(Cell{"\"12\""}.integer(), std::nullopt);
}

std::string golden_error(std::string_view text) {
  const auto parsed = parse_golden(text);
  return parsed ? "" : parsed.error().message;
}

TEST(Golden, ReadsBothForms) {
  const auto queries = parse_golden(R"([
    {"name": "n", "statement": "RETURN $x", "parameters": {"x": [1, "a"]}, "expect": [[1, "a"]]},
    {"statement": "RETURN 1", "expect_contains": [[{"b": 1, "a": 2.0}]]}])");
  ASSERT_TRUE(queries) << queries.error().message;
  ASSERT_EQ(queries->size(), 2U);
  EXPECT_EQ(queries->at(0).parameters.json(), R"({"x":[1,"a"]})");
  EXPECT_FALSE(queries->at(0).contains);
  EXPECT_EQ(queries->at(1).name, "#1");
  EXPECT_EQ(queries->at(1).rows, std::vector<std::string>{R"([{"a":2,"b":1}])"});
  EXPECT_TRUE(parse_golden(" \n")->empty());
}

TEST(Golden, RefusesWhatCouldNotFailOrIsUnclear) {
  EXPECT_NE(golden_error("{}").find("not a list"), std::string::npos);
  EXPECT_NE(golden_error("[").find("not JSON"), std::string::npos);
  EXPECT_NE(golden_error("[1]").find("golden query 0: not an object"), std::string::npos);
  EXPECT_NE(golden_error(R"([{"statement": "x"}])").find("exactly one"), std::string::npos);
  EXPECT_NE(
      golden_error(R"([{"statement": "x", "expect": [], "expect_contains": [[1]]}])").find("exactly one"),
      std::string::npos);
  EXPECT_NE(golden_error(R"([{"statement": "x", "expect_contains": []}])").find("nothing could fail"),
            std::string::npos);
  EXPECT_NE(golden_error(R"([{"statement": "x", "expect": [1]}])").find("not a list: 1"), std::string::npos);
  EXPECT_NE(
      golden_error(R"([{"statement": "x", "expect": [], "parameters": {"version": 1}}])").find("set by"),
      std::string::npos);
}

TEST(Batches, GroupByNameAndSize) {
  release::Graph graph;
  for (std::size_t i = 0; i < 5; ++i) {
    graph.nodes.push_back({i, std::to_string(i), i % 2 == 0 ? "A" : "B", {{"w", 1.0}}});
  }
  graph.edges.push_back({0, "T", "0", "1", {{"k", std::vector<std::string>{"x\"", "y"}}}});
  const auto nodes = node_batches(graph, 2);
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].name, "A");
  EXPECT_EQ(nodes[0].rows, R"([{"w":1E0,"uid":"0"},{"w":1E0,"uid":"2"}])");
  EXPECT_EQ(nodes[1].name, "B");
  EXPECT_EQ(nodes[1].count, 2U);
  EXPECT_EQ(nodes[2].count, 1U);
  const auto edges = edge_batches(graph, 10);
  ASSERT_EQ(edges.size(), 1U);
  EXPECT_EQ(edges[0].rows, R"([{"a":"0","b":"1","p":{"k":["x\"","y"]}}])");
}

}  // namespace
}  // namespace tidegate::neo4j
