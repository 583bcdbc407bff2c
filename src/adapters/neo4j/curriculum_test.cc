#include "adapters/neo4j/curriculum.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace tidegate::neo4j {
namespace {

using Lines = std::vector<std::string>;

Lines problems(const Curriculum& curriculum) {
  Lines lines;
  for (const auto& problem : curriculum.problems) lines.push_back(to_string(problem));
  return lines;
}

TEST(Curriculum, ReadsNodesEdgesAndProperties) {
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
  EXPECT_EQ(read->graph.edges[0],
            (release::GraphEdge{"/edges/0", "PREREQUISITE_OF", "a", "b", {{"strength", 1.0}}}));
  EXPECT_TRUE(validate(read->graph).empty());
}

TEST(Curriculum, NamesEveryFaultOfShapeAndKeepsTheRest) {
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
  EXPECT_EQ(read->graph.nodes[0].place, "/nodes/3");
}

TEST(Curriculum, WhatIsNotAnObjectWithNodes) {
  EXPECT_EQ(problems(*parse_curriculum("[]")), Lines{"shape: the whole is a list, not an object"});
  EXPECT_EQ(problems(*parse_curriculum("{}")),
            Lines{"shape: there is neither \"nodes\" (nodes and edges), \"CFItems\" (a CASE package) nor "
                  "\"children\" (a tree)"});
  EXPECT_EQ(problems(*parse_curriculum(R"({"edges": []})")), Lines{"/nodes: shape: is missing"});
  EXPECT_EQ(problems(*parse_curriculum(R"({"nodes": {}, "edges": 1})")),
            (Lines{"/nodes: shape: is an object, not a list", "/edges: shape: is a number, not a list"}));
}

TEST(Curriculum, WhatIsNotJsonSaysWhere) {
  const auto message = [](std::string_view text) {
    const auto read = parse_curriculum(text);
    EXPECT_FALSE(read);
    if (read) return std::string();
    EXPECT_EQ(read.error().code, Errc::kInvalid);
    return read.error().message;
  };
  EXPECT_NE(message("{\n  \"nodes\": [1,\n ,]}").find("line 3, column 2"), std::string::npos);
  EXPECT_NE(message("{\"nodes\": [").find("not JSON"), std::string::npos);
  EXPECT_NE(message("{} {}").find("more text after the end, line 1, column 4"), std::string::npos);
  EXPECT_NE(message("{\"nodes\": \"\xff\xfe\"}").find("not JSON"), std::string::npos);
  EXPECT_NE(message(std::string("{\0}", 3)).find("not JSON"), std::string::npos);
}

TEST(Curriculum, HostileTextIsBounded) {
  const auto deep = parse_curriculum("{\"nodes\":" + std::string(100'000, '['));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "not JSON: too deep, line 1, column 73");
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

constexpr std::string_view kCase = R"json({
  "CFDocument": {"identifier": "doc", "uri": "https://example.org/doc", "creator": "State", "title": "Mathematics",
                 "lastChangeDateTime": "2025-03-13T00:00:00+00:00", "version": "2022", "CFPackageURI": {"title": "x"}},
  "CFItems": [
    {"identifier": "i1", "fullStatement": "Count to 100", "humanCodingScheme": "K.CC.1", "CFItemType": "Standard",
     "educationLevel": ["KG"], "uri": "https://example.org/i1", "conceptKeywords": ["count"], "notes": "",
     "lastChangeDateTime": "2025-03-13T00:00:00+00:00", "CFDocumentURI": {"identifier": "doc"}, "extensions": {"x": 1}},
    {"identifier": "i2", "fullStatement": "Add within 20", "humanCodingScheme": "1.OA.6", "educationLevel": ["01"]},
    {"identifier": "i3", "fullStatement": "Cluster"}],
  "CFAssociations": [
    {"identifier": "a1", "associationType": "isChildOf", "sequenceNumber": 2,
     "originNodeURI": {"identifier": "i3", "title": "", "uri": ""}, "destinationNodeURI": {"identifier": "doc"}},
    {"associationType": "Is Child Of", "originNodeURI": {"identifier": "i1"}, "destinationNodeURI": {"identifier": "i3"}},
    {"associationType": "isChildOf", "originNodeURI": {"identifier": "i2"}, "destinationNodeURI": {"identifier": "i3"}},
    {"associationType": "precedes", "originNodeURI": {"identifier": "i1"}, "destinationNodeURI": {"identifier": "i2"}},
    {"associationType": "exactMatchOf", "originNodeURI": {"identifier": "i1"}, "destinationNodeURI": {"identifier": "far"}},
    {"associationType": "ext:inspires", "originNodeURI": {"identifier": "i1"}, "destinationNodeURI": {"identifier": "i2"}}],
  "CFDefinitions": {"CFItemTypes": []}, "CFRubrics": []})json";

TEST(Curriculum, ReadsCasePackages) {
  const auto read = parse_curriculum(kCase);
  ASSERT_TRUE(read);
  EXPECT_EQ(problems(*read), Lines{});
  EXPECT_EQ(read->graph.curriculum, "Mathematics");
  EXPECT_EQ(read->graph.revision, "2022");
  ASSERT_EQ(read->graph.nodes.size(), 4U);
  EXPECT_EQ(read->graph.nodes[0].label, "Subject");
  const std::vector<release::GraphProperty> expected = {
      {"text", std::string("Count to 100")},
      {"code", std::string("K.CC.1")},
      {"type", std::string("Standard")},
      {"keywords", std::vector<std::string>{"count"}},
      {"education_level", std::vector<std::string>{"KG"}},
      {"uri", std::string("https://example.org/i1")},
      {"changed_at", std::string("2025-03-13T00:00:00+00:00")},
  };
  EXPECT_EQ(read->graph.nodes[1], (release::GraphNode{"/CFItems/0", "i1", "Standard", expected}));
  const std::vector<release::GraphEdge> edges = {
      {"/CFAssociations/0", "HAS_STANDARD", "doc", "i3", {{"order", std::int64_t{2}}}},
      {"/CFAssociations/1", "HAS_STANDARD", "i3", "i1", {}},
      {"/CFAssociations/2", "HAS_STANDARD", "i3", "i2", {}},
      {"/CFAssociations/3", "PREREQUISITE_OF", "i1", "i2", {}},
  };
  EXPECT_EQ(read->graph.edges, edges);
  EXPECT_EQ(read->notes,
            (Lines{"1 associations lead out of the package and are left out: exactMatchOf 1",
                   "1 associations are of a type of their maker's own and are left out: ext:inspires 1"}));
  EXPECT_TRUE(validate(read->graph).empty());
}

TEST(Curriculum, FaultsOfACasePackage) {
  const auto read =
      parse_curriculum(R"json({"CFItems": [{"identifier": 7, "fullStatement": "x"}, {"identifier": "i",
      "fullStatement": "y", "educationLevel": {"a": 1}}], "CFAssociations": [
      {"associationType": "invents", "originNodeURI": {"identifier": "i"}, "destinationNodeURI": {"identifier": "i"}},
      {"associationType": "precedes", "originNodeURI": "i", "destinationNodeURI": {}},
      {"associationType": "precedes", "originNodeURI": {"identifier": "i"}, "destinationNodeURI": {"identifier": "no"}}]})json");
  ASSERT_TRUE(read);
  EXPECT_EQ(problems(*read),
            (Lines{"/CFDocument: shape: is missing", "/CFItems/0/identifier: shape: is a number, not a text",
                   "/CFItems/1/educationLevel: value: is an object, not a text or a list of texts",
                   "/CFAssociations/0/associationType: shape: \"invents\" is no type of CASE",
                   "/CFAssociations/1/originNodeURI: shape: is a text, not an object",
                   "/CFAssociations/1/destinationNodeURI/identifier: shape: is missing"}));
  EXPECT_EQ(to_string(validate(read->graph).at(0)),
            "/CFAssociations/2: dangling: PREREQUISITE_OF from \"i\" to \"no\": there is no node \"no\"");
}

TEST(Curriculum, ReadsNestedTrees) {
  const auto read = parse_curriculum(R"json({"curriculum": "math", "revision": 2022, "children": [
      {"uid": "math", "title": "수학", "children": [
        {"uid": "numbers", "children": [
          {"uid": "a", "code": "[2수01-01]"},
          {"uid": "b", "label": "Level", "prerequisites": ["a", {"uid": "numbers", "strength": 0.5}]}]}]}]})json");
  ASSERT_TRUE(read);
  EXPECT_EQ(problems(*read), Lines{});
  std::string nodes;
  for (const auto& node : read->graph.nodes) nodes += node.label + ":" + node.uid + "@" + node.place + " ";
  EXPECT_EQ(nodes,
            "Subject:math@/children/0 Domain:numbers@/children/0/children/0 "
            "Standard:a@/children/0/children/0/children/0 Level:b@/children/0/children/0/children/1 ");
  const std::vector<release::GraphEdge> edges = {
      {"/children/0/children/0", "HAS_STANDARD", "math", "numbers", {{"order", std::int64_t{0}}}},
      {"/children/0/children/0/children/0", "HAS_STANDARD", "numbers", "a", {{"order", std::int64_t{0}}}},
      {"/children/0/children/0/children/1", "HAS_STANDARD", "numbers", "b", {{"order", std::int64_t{1}}}},
      {"/children/0/children/0/children/1/prerequisites/0", "PREREQUISITE_OF", "a", "b", {}},
      {"/children/0/children/0/children/1/prerequisites/1",
       "PREREQUISITE_OF",
       "numbers",
       "b",
       {{"strength", 0.5}}},
  };
  EXPECT_EQ(read->graph.edges, edges);
  EXPECT_TRUE(validate(read->graph).empty());
  const auto faults = parse_curriculum(
      R"json({"uid": "x", "children": [1, {"children": {}}, {"uid": "y", "prerequisites": [1]}]})json");
  EXPECT_EQ(problems(*faults),
            (Lines{"/children/0: shape: is a number, not an object", "/children/1/uid: shape: is missing",
                   "/children/1/children: shape: is an object, not a list",
                   "/children/2/prerequisites/0: shape: is a number, not a uid or an object"}));
}

TEST(Curriculum, WhatIsNoFormatAtAll) {
  const auto error = [](std::string_view bytes) { return parse_curriculum(bytes).error().message; };
  EXPECT_EQ(error(""), "the file is empty");
  EXPECT_EQ(error(" \n"), "the file is empty");
  EXPECT_EQ(
      error("<html>"),
      "the file begins with \"<html>\": it is neither JSON nor a zip archive with nodes.csv and edges.csv");
  EXPECT_EQ(error(std::string_view("\0\0", 2)),
            "the file begins with \"\\x00\\x00\": it is neither JSON nor a zip archive with nodes.csv and "
            "edges.csv");
  EXPECT_TRUE(parse_curriculum("\xEF\xBB\xBF{\"nodes\": []}"));
}

std::string zip(std::string_view base64) {
  return *base64_decode(base64);
}

// Made with Python's zipfile: curriculum/nodes.csv (BOM, CRLF), __MACOSX/._nodes.csv, curriculum/edges.csv.
constexpr std::string_view kZip =
    "UEsDBBQAAAAIAAAAdF2uA/khHwAAACYAAAAUAAAAY3VycmljdWx1bS9ub2Rlcy5jc3Z7v3t/aWaKTk5iUmoOL1eiTnBJYl5KYlEK"
    "L1cSEhsAUEsDBBQAAAAIAAAAdF2DFtyMAwAAAAEAAAAUAAAAX19NQUNPU1gvLl9ub2Rlcy5jc3arAABQSwMEFAAAAAgAAAB0XRjK"
    "NgklAAAAIwAAABQAAABjdXJyaWN1bHVtL2VkZ2VzLmNzdksrys/VKcnXKaksSOXlStRJ0gkIcg1yDQz1DPYMcY33d+PlAgBQSwEC"
    "FAMUAAAACAAAAHRdrgP5IR8AAAAmAAAAFAAAAAAAAAAAAAAAgAEAAAAAY3VycmljdWx1bS9ub2Rlcy5jc3ZQSwECFAMUAAAACAAA"
    "AHRdgxbcjAMAAAABAAAAFAAAAAAAAAAAAAAAgAFRAAAAX19NQUNPU1gvLl9ub2Rlcy5jc3ZQSwECFAMUAAAACAAAAHRdGMo2CSUA"
    "AAAjAAAAFAAAAAAAAAAAAAAAgAGGAAAAY3VycmljdWx1bS9lZGdlcy5jc3ZQSwUGAAAAAAMAAwDGAAAA3QAAAAAA";
constexpr std::string_view kZipOfOne =
    "UEsDBBQAAAAIAAAAdF3WhlxyDAAAAAoAAAAJAAAAbm9kZXMuY3N2K81M0clJTErN4QIAUEsBAhQDFAAAAAgAAAB0XdaGXHIMAAAA"
    "CgAAAAkAAAAAAAAAAAAAAIABAAAAAG5vZGVzLmNzdlBLBQYAAAAAAQABADcAAAAzAAAAAAA=";
constexpr std::string_view kZipOfTwoNodes =
    "UEsDBBQAAAAIAAAAdF3WhlxyDAAAAAoAAAAJAAAAbm9kZXMuY3N2K81M0clJTErN4QIAUEsDBBQAAAAIAAAAdF3WhlxyDAAAAAoA"
    "AAALAAAAYi9ub2Rlcy5jc3YrzUzRyUlMSs3hAgBQSwECFAMUAAAACAAAAHRd1oZccgwAAAAKAAAACQAAAAAAAAAAAAAAgAEAAAAA"
    "bm9kZXMuY3N2UEsBAhQDFAAAAAgAAAB0XdaGXHIMAAAACgAAAAsAAAAAAAAAAAAAAIABMwAAAGIvbm9kZXMuY3N2UEsFBgAAAAAC"
    "AAIAcAAAAGgAAAAAAA==";

// 200,000 times one letter.
constexpr std::string_view kBomb =
    "UEsDBBQAAAAIAAAAdF2bU2ng1AAAAEANAwAJAAAAbm9kZXMuY3N27cExAQAAAMKgrOtfwgz+QAEAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAArwFQSwMEFAAAAAgAAAB0XQAAAAACAAAAAAAAAAkAAABlZGdlcy5jc3YDAFBLAQIUAxQA"
    "AAAIAAAAdF2bU2ng1AAAAEANAwAJAAAAAAAAAAAAAACAAQAAAABub2Rlcy5jc3ZQSwECFAMUAAAACAAAAHRdAAAAAAIAAAAAAAAA"
    "CQAAAAAAAAAAAAAAgAH7AAAAZWRnZXMuY3N2UEsFBgAAAAACAAIAbgAAACQBAAAAAA==";

TEST(Curriculum, ReadsTwoTablesFromAZip) {
  const auto read = parse_curriculum(zip(kZip));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(problems(*read), Lines{});
  ASSERT_EQ(read->graph.nodes.size(), 2U);
  EXPECT_EQ(read->graph.nodes[1].place, "nodes.csv:3");
  EXPECT_EQ(read->graph.edges.at(0).type, "PREREQUISITE_OF");
}

TEST(Curriculum, ZipsThatAreBrokenOrTooLarge) {
  const auto error = [](const std::string& bytes, const CurriculumLimits& limits = {}) {
    const auto read = parse_curriculum(bytes, limits);
    return read ? std::string("taken") : read.error().message;
  };
  EXPECT_EQ(error(zip(kZipOfOne)), "zip archive: there is no member edges.csv");
  EXPECT_EQ(error(zip(kZipOfTwoNodes)), "zip archive: there are two members nodes.csv");
  const std::string whole = zip(kZip);
  for (std::size_t length = 4; length < whole.size(); length += 7) {
    EXPECT_TRUE(error(whole.substr(0, length)).starts_with("zip archive: ")) << length;
  }
  CurriculumLimits limits;
  limits.max_bytes = whole.size();
  EXPECT_EQ(error(whole, limits), "taken");
  EXPECT_NE(error(zip(kBomb), limits).find("larger than allowed"), std::string::npos);
}

}  // namespace
}  // namespace tidegate::neo4j
