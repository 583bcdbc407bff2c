#include "release/graph.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "release/grades.h"
#include "release/graph_checks.h"
#include "release/graph_cycles.h"
#include "release/hangul.h"

namespace tidegate::release {
namespace {

using Kind = GraphProblem::Kind;

GraphNode node(std::size_t index, std::string uid, std::string label = "Standard",
               std::vector<GraphProperty> properties = {}) {
  return {"/nodes/" + std::to_string(index), std::move(uid), std::move(label), std::move(properties)};
}

GraphEdge edge(std::size_t index, std::string from, std::string to, std::string type = "PREREQUISITE_OF") {
  return {"/edges/" + std::to_string(index), std::move(type), std::move(from), std::move(to), {}};
}

Graph three() {
  Graph graph{"math", "2022", {}, {}};
  graph.nodes = {node(0, "a"), node(1, "b"), node(2, "c")};
  graph.edges = {edge(0, "a", "b"), edge(1, "b", "c")};
  return graph;
}

std::vector<std::string> lines(const std::vector<GraphProblem>& problems) {
  std::vector<std::string> out;
  for (const auto& problem : problems) out.push_back(to_string(problem));
  return out;
}

using Lines = std::vector<std::string>;

TEST(Graph, AcceptsARightOne) {
  EXPECT_EQ(lines(validate(three())), Lines{});
}

TEST(Graph, RefusesNothingAtAll) {
  EXPECT_EQ(lines(validate(Graph{})), Lines{"/nodes: empty: there is no node; nothing would be live"});
}

TEST(Graph, NamesEveryProblemInOnePass) {
  Graph graph = three();
  graph.nodes.push_back(node(3, "b"));
  graph.nodes.push_back(node(4, ""));
  graph.edges.push_back(edge(2, "c", "a"));
  graph.edges.push_back(edge(3, "a", "nowhere"));
  graph.edges.push_back(edge(4, "lost", "gone"));
  graph.edges.push_back(edge(5, "a", "a"));
  graph.edges.push_back(edge(6, "a", "b"));
  EXPECT_EQ(
      lines(validate(graph)),
      (Lines{"/nodes/3/uid: duplicate_uid: uid \"b\" is taken by /nodes/1",
             "/nodes/4/uid: value: the uid is empty",
             "/edges/3: dangling: PREREQUISITE_OF from \"a\" to \"nowhere\": there is no node \"nowhere\"",
             "/edges/4: dangling: PREREQUISITE_OF from \"lost\" to \"gone\": there is no node \"lost\" and "
             "no node \"gone\"",
             "/edges/5: self_loop: PREREQUISITE_OF from \"a\" to itself",
             "/edges/6: duplicate_edge: PREREQUISITE_OF from \"a\" to \"b\" is there already (/edges/0)",
             "/edges/2: cycle: PREREQUISITE_OF cycle of 3: \"a\" -> \"b\" -> \"c\" -> \"a\""}));
}

TEST(Graph, CodesAreUniquePerLabelAndRevision) {
  const auto with = [](std::size_t i, std::string uid, std::string label, std::string revision) {
    return node(i, std::move(uid), std::move(label),
                {{"code", std::string("[2수01-01]")}, {"revision", std::move(revision)}});
  };
  Graph graph;
  graph.nodes = {with(0, "a", "Standard", "2015"), with(1, "b", "Standard", "2022"),
                 with(2, "c", "Level", "2015")};
  EXPECT_EQ(lines(validate(graph)), Lines{});
  graph.nodes.push_back(with(3, "d", "Standard", "2022"));
  EXPECT_EQ(
      lines(validate(graph)),
      Lines{"/nodes/3/code: duplicate_code: code \"[2수01-01]\" of Standard \"d\" is also that of \"b\" "
            "(/nodes/1)"});
}

TEST(Graph, NamesThatWouldBecomeCypherAreRefused) {
  for (const std::string bad : {"", "1a", "A B", "A`) DETACH DELETE n //", "성취기준", "A\n", "A:B"}) {
    Graph graph = three();
    graph.nodes[0].label = bad;
    graph.edges[0].type = bad;
    const auto problems = validate(graph);
    ASSERT_EQ(problems.size(), 2U) << bad;
    EXPECT_EQ(problems[0].kind, Kind::kName);
    EXPECT_EQ(problems[0].place, "/nodes/0/label");
    EXPECT_EQ(problems[1].place, "/edges/0/type");
  }
  EXPECT_FALSE(is_graph_identifier(std::string(65, 'a')));
  EXPECT_TRUE(is_graph_identifier(std::string(64, 'a')));
}

TEST(Graph, OurOwnLabelsAndPropertiesAreReserved) {
  Graph graph = three();
  graph.nodes[0].label = "GraphVersion";
  graph.nodes[1].properties = {
      {"version", std::string("x")}, {"a/b~c", true}, {std::string("new\nline"), true}};
  graph.edges[0].type = "POINTS_TO";
  const auto problems = lines(validate(graph));
  ASSERT_EQ(problems.size(), 4U);
  EXPECT_EQ(problems[0], "/nodes/0/label: name: label \"GraphVersion\" is reserved");
  EXPECT_EQ(problems[1], "/nodes/1/version: name: the property \"version\" is reserved");
  EXPECT_EQ(problems[3], "/edges/0/type: name: type \"POINTS_TO\" is reserved");
}

TEST(Graph, ValuesThatCannotBeStored) {
  Graph graph = three();
  graph.nodes[0].properties = {{"ok", 1.5},
                               {"nan", std::nan("")},
                               {"bytes", std::string("\xff\xfe")},
                               {"list", std::vector<double>{1, INFINITY}},
                               {"long", std::string(2U << 20U, 'x')}};
  const auto problems = validate(graph);
  ASSERT_EQ(problems.size(), 4U);
  EXPECT_EQ(problems[0].place, "/nodes/0/nan");
  EXPECT_EQ(problems[1].place, "/nodes/0/bytes");
  EXPECT_EQ(problems[2].place, "/nodes/0/list");
  EXPECT_EQ(problems[3].place, "/nodes/0/long");
}

TEST(Graph, LimitsAndBoundedReports) {
  Graph graph = three();
  GraphRules rules;
  rules.max_elements = 4;
  EXPECT_EQ(lines(validate(graph, rules)), Lines{"limit: 5 nodes and edges; at most 4 are taken"});
  rules = {};
  rules.max_problems = 3;
  for (std::size_t i = 0; i < 10; ++i) graph.edges.push_back(edge(i + 2, "x", "y"));
  const auto problems = validate(graph, rules);
  ASSERT_EQ(problems.size(), 4U);
  EXPECT_EQ(problems.back().message, "7 more problems are not listed");
}

TEST(Graph, OneTypeDoesNotCloseAnothersCircle) {
  Graph graph = three();
  graph.edges.push_back(edge(2, "c", "a", "NEXT"));
  EXPECT_EQ(lines(validate(graph)), Lines{});
}

TEST(Graph, LongCyclesAreNamedInPart) {
  Graph graph;
  for (std::size_t i = 0; i < 100; ++i) {
    graph.nodes.push_back(node(i, std::to_string(i)));
    graph.edges.push_back(edge(i, std::to_string(i), std::to_string((i + 1) % 100)));
  }
  GraphRules rules;
  rules.max_cycle_path = 3;
  EXPECT_EQ(
      lines(validate(graph, rules)),
      Lines{"/edges/99: cycle: PREREQUISITE_OF cycle of 100: \"0\" -> \"1\" -> \"2\" -> (97 more) -> \"0\""});
}

GraphNode standard(std::size_t index, std::string uid, GraphValue grade_band) {
  return node(index, std::move(uid), "Standard", {{"grade_band", std::move(grade_band)}});
}

TEST(Graph, WhatComesFirstIsOfNoHigherGrade) {
  Graph graph;
  graph.nodes = {standard(0, "nine", std::int64_t{9}),
                 standard(1, "six", std::int64_t{6}),
                 node(2, "code", "Standard", {{"code", std::string("[4수01-01]")}}),
                 node(3, "five", "Standard", {{"grade", std::string("5")}}),
                 node(4, "unknown"),
                 node(5, "list", "Standard", {{"education_level", std::vector<std::string>{"07", "08"}}})};
  graph.edges = {edge(0, "six", "nine"),
                 edge(1, "nine", "six"),
                 edge(2, "nine", "code", "REQUIRES"),
                 edge(3, "code", "five", "REQUIRES"),
                 edge(4, "six", "five"),
                 edge(5, "nine", "unknown"),
                 edge(6, "list", "five", "PRECEDES"),
                 edge(7, "nine", "six", "NEXT")};
  EXPECT_EQ(
      lines(validate(graph)),
      (Lines{"/edges/0: cycle: PREREQUISITE_OF cycle of 2: \"nine\" -> \"six\" -> \"nine\"",
             "/edges/1: grade_order: PREREQUISITE_OF: \"nine\" (grades 7 to 9, /nodes/0) comes before "
             "\"six\" (grades 5 to 6, /nodes/1)",
             "/edges/3: grade_order: REQUIRES: \"five\" (grade 5, /nodes/3) comes before \"code\" "
             "(grades 3 to 4, /nodes/2)",
             "/edges/6: grade_order: PRECEDES: \"list\" (grades 7 to 8, /nodes/5) comes before \"five\" "
             "(grade 5, /nodes/3)"}));
  GraphRules rules;
  rules.skip = {Kind::kGradeOrder};
  EXPECT_EQ(validate(graph, rules).size(), 1U);
  rules = {};
  rules.grade_bands = {4, 9};
  EXPECT_EQ(validate(graph, rules).size(), 4U) << "9 is grades 5 to 9 now, 6 one grade";
}

TEST(Graph, TheCodeAndTheBandSayTheSame) {
  Graph graph;
  graph.nodes = {
      node(0, "a", "Standard", {{"code", std::string("[9수01-01]")}, {"grade_band", std::int64_t{6}}}),
      node(1, "b", "Standard", {{"code", std::string("[9수01-02]")}, {"grade_band", std::string("7-9")}})};
  EXPECT_EQ(
      lines(validate(graph)),
      Lines{"/nodes/0/grade_band: grade_order: grade_band is grades 5 to 6, but the code \"[9수01-01]\" is "
            "of grades 7 to 9"});
}

TEST(Graph, EveryStandardIsReachedFromASubject) {
  Graph graph = three();
  EXPECT_EQ(lines(validate(graph)), Lines{}) << "no subject, nothing to reach from";
  graph.nodes.push_back(node(3, "math", "Subject"));
  graph.nodes.push_back(node(4, "numbers", "Domain"));
  graph.edges.push_back(edge(2, "math", "numbers", "HAS_DOMAIN"));
  graph.edges.push_back(edge(3, "numbers", "a", "HAS_STANDARD"));
  graph.edges.push_back(edge(4, "b", "numbers", "BELONGS_TO"));
  EXPECT_EQ(lines(validate(graph)), Lines{"/nodes/2: unreachable: no Subject leads to Standard \"c\""})
      << "a prerequisite does not make it part of the subject";
  GraphRules rules;
  rules.subject = "Course";
  EXPECT_EQ(lines(validate(graph, rules)), Lines{});
}

TEST(Graph, EmbeddingsAreOfOneLength) {
  const auto with = [](std::size_t i, GraphValue value, std::string label = "Standard") {
    return node(i, std::to_string(i), std::move(label), {{"embedding", std::move(value)}});
  };
  Graph graph;
  graph.nodes = {with(0, std::vector<double>{1, 0.5}),
                 with(1, std::vector<std::int64_t>{1, 0}),
                 with(2, std::vector<double>{1, 2, 3}),
                 with(3, std::vector<double>{0, 0}),
                 with(4, std::string("[1,2]")),
                 with(5, std::vector<double>{1, 2, 3}, "Level"),
                 node(6, "6"),
                 node(7, "7", "Domain")};
  EXPECT_EQ(lines(validate(graph)),
            (Lines{"/nodes/2/embedding: embedding: embedding has 3 dimensions, that of /nodes/0 has 2",
                   "/nodes/3/embedding: embedding: embedding of \"3\" is all zero: it is near to nothing",
                   "/nodes/4/embedding: embedding: embedding is no list of numbers",
                   "/nodes/6/embedding: embedding: embedding is missing, and /nodes/0 has one"}));
  EXPECT_EQ(
      lines(vector_index_problems(graph, {{"v", "Level", "embedding", 4}, {"w", "Standard", "other", 1}})),
      Lines{"/nodes/5/embedding: embedding: embedding has 3 dimensions, the vector index \"v\" takes 4"});
}

TEST(Graph, TextsThatLookTheSameAreTheSame) {
  const std::string syllables = "분수";
  const std::string letters = "\u1107\u116e\u11ab\u1109\u116e";
  ASSERT_NE(syllables, letters);
  EXPECT_EQ(compose_hangul(letters), syllables);
  Graph graph;
  graph.nodes = {node(0, syllables, "Standard", {{"code", syllables}}), node(1, "b")};
  graph.edges = {edge(0, letters, "b")};
  EXPECT_EQ(validate(graph).at(0).message, "PREREQUISITE_OF from \"" + letters +
                                               "\" to \"b\": there is no node \"" + letters +
                                               "\" (that of /nodes/0 is written with other Unicode)");
  graph.nodes.push_back(node(2, letters, "Standard", {{"code", letters}}));
  const auto problems = validate(graph);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].kind, Kind::kDuplicateUid);
  EXPECT_EQ(problems[1].kind, Kind::kDuplicateCode);
}

TEST(Hangul, ComposesWholeSyllablesOnly) {
  EXPECT_EQ(compose_hangul("\u1112\u1161\u11ab\u1100\u1173\u11af"), "한글");
  EXPECT_EQ(compose_hangul("가\u11a8"), "각");
  EXPECT_EQ(compose_hangul("각\u11a8"), "각\u11a8");
  EXPECT_EQ(compose_hangul("\u1100x\u1161"), "\u1100x\u1161");
  EXPECT_EQ(compose_hangul("\xe1\x84"), "\xe1\x84");
  EXPECT_EQ(compose_hangul("plain é 数"), "plain é 数");
}

TEST(Grades, AreReadFromTextsAndCodes) {
  const std::vector<int> bands{2, 4, 6, 9, 10, 12};
  EXPECT_EQ(parse_grades("07"), (Grades{7, 7}));
  EXPECT_EQ(parse_grades(" 3~4학년군"), (Grades{3, 4}));
  EXPECT_EQ(parse_grades("5 – 6"), (Grades{5, 6}));
  EXPECT_EQ(parse_grades("K"), (Grades{0, 0}));
  for (const auto* text : {"", "중1", "4-3", "123", "7-", "7 or so"})
    EXPECT_FALSE(parse_grades(text)) << text;
  EXPECT_EQ(grades_of_code("[9수01-01]", bands), (Grades{7, 9}));
  EXPECT_EQ(grades_of_code("[ 12미적Ⅱ-01-01]", bands), (Grades{11, 12}));
  EXPECT_EQ(grades_of_code("2수01-01", bands), (Grades{1, 2}));
  EXPECT_EQ(grades_of_code("[10공수1-01-01]", bands), (Grades{10, 10}));
  EXPECT_EQ(grades_of_code("[9\u1109\u116e01-01]", bands), (Grades{7, 9})) << "as macOS spells it";
  for (const auto* text : {"", "[수01-01]", "9.NS.1", "[123수01]"})
    EXPECT_FALSE(grades_of_code(text, bands)) << text;
}

TEST(Graph, HashIsOfTheContentOnly) {
  Graph graph = three();
  graph.nodes[0].properties = {{"a", std::int64_t{1}}, {"b", std::string("x")}};
  const auto hash = canonical_sha256(graph);
  Graph other = graph;
  std::ranges::reverse(other.nodes);
  std::ranges::reverse(other.edges);
  std::ranges::reverse(other.nodes.back().properties);
  for (auto& n : other.nodes) n.place += "x";
  EXPECT_EQ(canonical_sha256(other), hash);

  std::set<std::string> all{hash};
  const auto changed = [&](auto change) {
    Graph copy = graph;
    change(copy);
    EXPECT_TRUE(all.insert(canonical_sha256(copy)).second);
  };
  changed([](Graph& g) { g.revision = "2015"; });
  changed([](Graph& g) { g.nodes[0].properties[0].value = 1.0; });
  changed([](Graph& g) { g.nodes[0].properties[0].value = true; });
  changed([](Graph& g) { g.nodes[0].properties[0].value = std::string("1"); });
  changed([](Graph& g) { g.nodes[0].properties[0].value = std::vector<std::int64_t>{1}; });
  changed([](Graph& g) { std::swap(g.edges[0].from, g.edges[0].to); });
  changed([](Graph& g) { g.nodes[0].label = "Level"; });
  changed([](Graph& g) { g.edges.pop_back(); });
}

using Edge = std::pair<std::uint32_t, std::uint32_t>;

// What lies on a cycle, the slow way: b is reachable from a and a from b.
std::set<Edge> edges_on_cycles(std::size_t nodes, const std::vector<Edge>& edges) {
  std::vector<std::vector<bool>> reach(nodes, std::vector<bool>(nodes));
  for (const auto& [a, b] : edges) reach[a][b] = true;
  for (std::size_t k = 0; k < nodes; ++k)
    for (std::size_t i = 0; i < nodes; ++i)
      for (std::size_t j = 0; j < nodes; ++j)
        if (reach[i][k] && reach[k][j]) reach[i][j] = true;
  std::set<Edge> result;
  for (const auto& [a, b] : edges)
    if (a != b && reach[b][a]) result.emplace(a, b);
  return result;
}

TEST(GraphCycles, CoverExactlyTheEdgesThatLieOnCycles) {
  std::mt19937 random(20221);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t nodes = 1 + random() % 8;
    std::vector<Edge> edges;
    for (std::size_t i = random() % 14; i > 0; --i) {
      edges.emplace_back(random() % nodes, random() % nodes);
    }
    const auto found = find_cycles(nodes, edges, 1000);
    std::set<Edge> covered;
    std::set<std::vector<std::uint32_t>> distinct;
    for (const auto& cycle : found.cycles) {
      EXPECT_TRUE(distinct.insert(cycle).second) << "named twice";
      EXPECT_EQ(std::set(cycle.begin(), cycle.end()).size(), cycle.size()) << "not simple";
      for (std::size_t i = 0; i < cycle.size(); ++i) covered.emplace(cycle[i], cycle[(i + 1) % cycle.size()]);
    }
    EXPECT_EQ(covered, edges_on_cycles(nodes, edges)) << "round " << round;
    EXPECT_EQ(found.uncovered_edges, 0U);
  }
}

TEST(GraphCycles, AChainNeedsNoDeepStack) {
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i + 1 < 200'000; ++i) edges.emplace_back(i, i + 1);
  EXPECT_TRUE(find_cycles(200'000, edges, 1).cycles.empty());
}

TEST(GraphCycles, AreBounded) {
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < 30; ++i)
    for (std::uint32_t j = 0; j < 30; ++j) edges.emplace_back(i, j);
  const auto found = find_cycles(30, edges, 5);
  EXPECT_EQ(found.cycles.size(), 5U);
  EXPECT_EQ(found.uncovered_edges, 30U * 29U - 10U);
}

}  // namespace
}  // namespace tidegate::release
