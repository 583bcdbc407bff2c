// Against a real Neo4j: NEO4J_HTTP_URL, NEO4J_USER, NEO4J_PASSWORD. Each test has a graph name of its own and
// takes everything away again.
#include "adapters/neo4j/loader.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "adapters/neo4j/versions.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::neo4j {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A chain of `nodes` items, all stamped; `extra` is more JSON for the list of edges.
std::string chain(int nodes, std::string_view stamp, std::string_view extra = "") {
  std::string text = R"({"curriculum": "test", "nodes": [)";
  for (int i = 0; i < nodes; ++i) {
    text += fmt::format(R"({}{{"uid": "u{}", "label": "{}", "code": "C{}", "stamp": "{}"}})",
                        i > 0 ? "," : "", i, i % 3 == 0 ? "TgTestUnit" : "TgTestItem", i, stamp);
  }
  text += R"(], "edges": [)";
  for (int i = 0; i + 1 < nodes; ++i) {
    text += fmt::format(R"({}{{"type": "PREREQUISITE_OF", "from": "u{}", "to": "u{}", "weight": 1.0}})",
                        i > 0 ? "," : "", i, i + 1);
  }
  return text + std::string(extra) + "]}";
}

class Neo4j : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = {variable("NEO4J_HTTP_URL"), variable("NEO4J_USER"), Secret(variable("NEO4J_PASSWORD")),
               "neo4j"};
    if (server_.http_url.empty()) GTEST_SKIP() << "NEO4J_HTTP_URL is not set";
    name_ = "tgtest-" + random_hex(6);
    auto folder = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tg-graph-");
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
    api_.emplace(Endpoint{server_.http_url, server_.user, server_.password, server_.database},
                 QueryOptions{});
    loader_ = make_loader(options_);
  }

  void TearDown() override {
    if (!api_) return;
    Parameters name;
    name.text("name", name_);
    EXPECT_TRUE(api_->run(
        "MATCH (v:GraphVersion {name: $name}) MATCH (n:GraphNode {version: v.id}) DETACH DELETE n", name));
    EXPECT_TRUE(api_->run("MATCH (v:GraphVersion {name: $name}) DETACH DELETE v", name));
    EXPECT_TRUE(api_->run("MATCH (a:Active {name: $name}) DETACH DELETE a", name));
    EXPECT_TRUE(api_->run("MATCH (c:GraphConcept {name: $name}) DETACH DELETE c", name));
    EXPECT_TRUE(api_->run("MATCH (l:TgTestLearner {name: $name}) DETACH DELETE l", name));
  }

  app::GraphRequest request(const std::string& load, const std::string& json) {
    app::GraphRequest request;
    request.name = name_;
    request.server = server_;
    request.file = folder_->path() / (load + ".json");
    EXPECT_TRUE(sys::write_file(request.file, json));
    request.sha256 = sha256_hex(json);
    request.commit = "c0ffee";
    request.data_uri = "s3://bucket/" + load;
    request.load = load;
    return request;
  }

  Result<app::GraphOutcome> load(const app::GraphRequest& request, const app::OnGraphProgress& progress = {},
                                 const sys::StopFlag* stop = nullptr) {
    return loader_->load(request, progress, stop);
  }

  app::GraphOutcome must(Result<app::GraphOutcome> outcome) {
    EXPECT_TRUE(outcome) << outcome.error().message;
    return outcome ? *outcome : app::GraphOutcome{};
  }

  // What a reader sees: nodes, edges and stamps of the live version, in one statement.
  std::string seen(QueryApi& api) {
    Parameters name;
    name.text("name", name_);
    const auto result = api.run(R"(
        MATCH (a:Active {name: $name}) WITH a.version AS version
        OPTIONAL MATCH (n:GraphNode {version: version})
        WITH version, count(n) AS nodes, collect(DISTINCT n.stamp) AS stamps
        OPTIONAL MATCH (:GraphNode {version: version})-[e:PREREQUISITE_OF]->(:GraphNode {version: version})
        RETURN nodes, count(e), stamps)",
                                name, Access::kRead);
    if (!result) return result.error().message;
    std::string text;
    for (const auto& row : result->rows) {
      for (const auto& cell : row) text += cell.json + " ";
    }
    return text;
  }

  std::vector<std::string> states() {
    std::vector<std::string> list;
    const auto versions = loader_->versions(server_, name_);
    EXPECT_TRUE(versions);
    if (versions) {
      for (const auto& version : *versions) list.push_back(version.state + (version.live ? "*" : ""));
    }
    return list;
  }

  std::string live() {
    const auto versions = loader_->versions(server_, name_);
    if (versions) {
      for (const auto& version : *versions) {
        if (version.live) return version.version;
      }
    }
    return "";
  }

  static LoaderOptions small_batches() {
    LoaderOptions options;
    options.batch = 7;
    return options;
  }

  app::GraphServer server_;
  LoaderOptions options_ = small_batches();
  std::string name_;
  std::optional<sys::TempDirectory> folder_;
  std::optional<QueryApi> api_;
  std::unique_ptr<app::GraphLoader> loader_;
};

using List = std::vector<std::string>;

TEST_F(Neo4j, LoadsBesideSwapsAndDropsOldOnes) {
  const auto first = must(load(request("one", chain(20, "a"))));
  EXPECT_TRUE(first.live);
  EXPECT_EQ(first.previous, "");
  EXPECT_EQ(first.nodes, 20U);
  EXPECT_EQ(first.edges, 19U);
  EXPECT_EQ(seen(*api_), "20 19 [\"a\"] ");

  auto second = request("two", chain(22, "b"));
  second.golden =
      R"([{"name": "n", "statement": "MATCH (n:GraphNode {version: $version}) RETURN count(n), $x",
                       "parameters": {"x": [1.0]}, "expect": [[22, [1]]]}])";
  const auto done = must(load(second));
  EXPECT_TRUE(done.live);
  EXPECT_EQ(done.previous, first.version);
  EXPECT_EQ(seen(*api_), "22 21 [\"b\"] ");
  EXPECT_EQ(states(), (List{"live*", "retired"}));

  EXPECT_TRUE(must(load(request("three", chain(4, "c")))).live);
  EXPECT_TRUE(must(load(request("four", chain(5, "d")))).live);
  EXPECT_EQ(states(), (List{"live*", "retired", "retired"}));
  EXPECT_EQ(seen(*api_), "5 4 [\"d\"] ");
  Parameters gone;
  gone.text("version", first.version);
  EXPECT_EQ(api_->run("MATCH (n:GraphNode {version: $version}) RETURN count(n)", gone)->rows[0][0].integer(),
            0);

  const auto versions = loader_->versions(server_, name_);
  ASSERT_TRUE(versions);
  EXPECT_EQ(versions->at(0).data_uri, "s3://bucket/four");
  EXPECT_EQ(versions->at(0).commit, "c0ffee");
  EXPECT_EQ(versions->at(0).nodes, 5U);
}

TEST_F(Neo4j, TheSameLoadAgainIsDoneAndNeverGoesBackInTime) {
  const auto one = request("one", chain(9, "a"));
  const auto first = must(load(one));
  const auto again = must(load(one));
  EXPECT_TRUE(again.live);
  EXPECT_EQ(again.version, first.version);
  EXPECT_EQ(states(), List{"live*"});
  must(load(request("two", chain(9, "b"))));
  const auto late = must(load(one));
  EXPECT_FALSE(late.live);
  ASSERT_EQ(late.problems.size(), 1U);
  EXPECT_NE(late.problems[0].find("was live before"), std::string::npos);
  EXPECT_EQ(seen(*api_), "9 8 [\"b\"] ");
}

TEST_F(Neo4j, ARefusedFileWritesNothing) {
  must(load(request("one", chain(9, "a"))));
  const auto bad =
      must(load(request("bad", chain(9, "b", R"(, {"type": "PREREQUISITE_OF", "from": "u8", "to": "u6"},
                               {"type": "PREREQUISITE_OF", "from": "u1", "to": "nowhere"})"))));
  EXPECT_FALSE(bad.live);
  EXPECT_EQ(bad.problems,
            (List{"/edges/9: dangling: PREREQUISITE_OF from \"u1\" to \"nowhere\": there is no node "
                  "\"nowhere\"",
                  "/edges/8: cycle: PREREQUISITE_OF cycle of 3: \"u6\" -> \"u7\" -> \"u8\" -> \"u6\""}));
  EXPECT_EQ(states(), List{"live*"});
  auto wrong = request("wrong", chain(3, "x"));
  wrong.sha256 = std::string(64, '0');
  const auto refused = load(wrong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
  auto nameless = request("", chain(3, "x"));
  EXPECT_EQ(load(nameless).error().code, Errc::kInvalid) << "a load needs an id";
  nameless.server.http_url = "http://127.0.0.1:9";
  EXPECT_EQ(must(loader_->check(nameless)).nodes, 3U) << "a check needs neither id nor server";
  EXPECT_FALSE(must(loader_->check(request("half", chain(3, "x").substr(0, 40)))).problems.empty());
  EXPECT_EQ(seen(*api_), "9 8 [\"a\"] ");
}

TEST_F(Neo4j, GoldenQueriesAreAGateAndCannotWrite) {
  must(load(request("one", chain(9, "a"))));
  auto two = request("two", chain(9, "b"));
  two.golden = R"json([
    {"name": "count", "statement": "MATCH (n:GraphNode {version: $version}) RETURN count(n)",
     "expect": [[8]]},
    {"name": "part", "statement": "MATCH (n:GraphNode {version: $version}) RETURN n.uid", "expect_contains": [["u3"], ["zz"]]},
    {"name": "writes", "statement": "MATCH (n:GraphNode {version: $version}) SET n.stamp = 'x'", "expect": []},
    {"name": "broken", "statement": "RETRN 1", "expect": []},
    {"name": "fine", "statement": "RETURN 1", "expect": [[1]]}])json";
  const auto outcome = must(load(two));
  EXPECT_FALSE(outcome.live);
  ASSERT_EQ(outcome.problems.size(), 4U);
  EXPECT_EQ(outcome.problems[0], "golden query \"count\": expected [8]; got [9]");
  EXPECT_NE(outcome.problems[1].find("expected the row [\"zz\"]"), std::string::npos);
  EXPECT_NE(outcome.problems[2].find("read access mode"), std::string::npos);
  EXPECT_NE(outcome.problems[3].find("SyntaxError"), std::string::npos);
  EXPECT_EQ(states(), List{"live*"});
  EXPECT_EQ(seen(*api_), "9 8 [\"a\"] ");
}

TEST_F(Neo4j, AnInterruptedLoadContinuesOrIsSwept) {
  must(load(request("one", chain(9, "a"))));
  sys::StopFlag stop;
  const auto halfway = [&](std::string_view line) {
    if (line.starts_with("edges")) stop.request_stop();
  };
  const auto two = request("two", chain(40, "b"));
  const auto stopped = load(two, halfway, &stop);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::kCanceled);
  EXPECT_EQ(states(), (List{"loading", "live*"}));
  EXPECT_EQ(seen(*api_), "9 8 [\"a\"] ");
  must(load(request("three", chain(5, "c"))));
  EXPECT_EQ(states(), (List{"live*", "loading", "retired"}))
      << "another load that may be alive is left alone";
  EXPECT_TRUE(must(load(two)).live);
  EXPECT_EQ(seen(*api_), "40 39 [\"b\"] ");

  sys::StopFlag again;
  ASSERT_FALSE(
      load(request("four", chain(40, "d")), [&](std::string_view) { again.request_stop(); }, &again));
  options_.stale_after = Millis{0};
  loader_ = make_loader(options_);
  must(load(request("five", chain(5, "e"))));
  EXPECT_EQ(states(), (List{"live*", "retired", "retired"}));
}

TEST_F(Neo4j, OfTwoLoadersOfOneLoadTheLaterWins) {
  const auto one = request("one", chain(40, "a"));
  bool entered = false;
  app::GraphOutcome inner;
  const auto outer = load(one, [&](std::string_view line) {
    if (entered || !line.starts_with("nodes")) return;
    entered = true;
    inner = must(make_loader(options_)->load(one, {}, nullptr));
  });
  EXPECT_TRUE(inner.live);
  ASSERT_FALSE(outer);
  EXPECT_EQ(outer.error().code, Errc::kConflict);
  EXPECT_EQ(seen(*api_), "40 39 [\"a\"] ");
}

TEST_F(Neo4j, APointerThatMovedMeanwhileIsNotOverwritten) {
  must(load(request("one", chain(9, "a"))));
  const auto two = request("two", chain(9, "b"));
  bool entered = false;
  const auto outer = load(two, [&](std::string_view line) {
    if (entered || !line.starts_with("counts")) return;
    entered = true;
    must(make_loader(options_)->load(request("three", chain(9, "c")), {}, nullptr));
  });
  ASSERT_FALSE(outer);
  EXPECT_EQ(outer.error().code, Errc::kConflict);
  EXPECT_EQ(seen(*api_), "9 8 [\"c\"] ");
  EXPECT_TRUE(must(load(two)).live) << "asked again, it is swapped in";
  EXPECT_EQ(seen(*api_), "9 8 [\"b\"] ");
}

TEST_F(Neo4j, RollsBack) {
  EXPECT_EQ(loader_->roll_back(server_, name_, "").error().code, Errc::kNotFound);
  const auto one = must(load(request("one", chain(9, "a")))).version;
  EXPECT_EQ(loader_->roll_back(server_, name_, "").error().code, Errc::kNotFound);
  const auto two = must(load(request("two", chain(9, "b")))).version;
  const auto three = must(load(request("three", chain(9, "c")))).version;

  const auto back = must(loader_->roll_back(server_, name_, ""));
  EXPECT_EQ(back.version, two);
  EXPECT_EQ(back.previous, three);
  EXPECT_EQ(seen(*api_), "9 8 [\"b\"] ");
  EXPECT_EQ(must(loader_->roll_back(server_, name_, "")).version, two) << "twice is once";
  EXPECT_EQ(live(), two);
  EXPECT_EQ(must(loader_->roll_back(server_, name_, one)).version, one);
  EXPECT_EQ(must(loader_->roll_back(server_, name_, one)).version, one);
  EXPECT_EQ(must(loader_->roll_back(server_, name_, three)).version, three) << "forward again";
  EXPECT_EQ(must(loader_->roll_back(server_, name_, "")).version, two);
  EXPECT_EQ(loader_->roll_back(server_, name_, "no-such").error().code, Errc::kNotFound);
  EXPECT_EQ(live(), two);
}

TEST_F(Neo4j, KeepsNeitherTheLiveOneNorTheOneBeforeFromBeingRolledBackTo) {
  for (int i = 0; i < 4; ++i) {
    auto next = request(fmt::format("l{}", i), chain(3, fmt::format("s{}", i)));
    next.keep = 0;
    must(load(next));
  }
  EXPECT_EQ(states(), (List{"live*", "retired"}));
  must(loader_->roll_back(server_, name_, ""));
  EXPECT_EQ(seen(*api_), "3 2 [\"s2\"] ");
}

TEST_F(Neo4j, HostileTextsAreStoredAsTheyAre) {
  const std::string evil =
      R"json({"nodes": [{"uid": "a'}) DETACH DELETE n //", "label": "TgTestItem", "$(x)": "`}\" 한글 \\",
      "i": 9007199254740993, "d": 2.0, "b": false, "l": ["x", "\u0000y"]}]})json";
  EXPECT_TRUE(must(load(request("evil", evil))).live);
  Parameters version;
  version.text("version", live());
  const auto result = api_->run(
      "MATCH (n:TgTestItem {version: $version}) RETURN n.uid, n['$(x)'], n.i, n.d, n.b, n.l, labels(n), "
      "valueType(n.d), size(keys(n))",
      version);
  ASSERT_TRUE(result) << result.error().message;
  std::string text;
  for (const auto& cell : result->rows.at(0)) text += cell.json + " | ";
  EXPECT_EQ(text,
            "\"a'}) DETACH DELETE n //\" | \"`}\\\" 한글 \\\\\" | 9007199254740993 | 2 | false | "
            "[\"x\",\"\\u0000y\"] "
            "| [\"GraphNode\",\"TgTestItem\"] | \"FLOAT NOT NULL\" | 7 | ");
  EXPECT_FALSE(
      must(load(request("label", R"json({"nodes": [{"uid": "a", "label": "X) DETACH DELETE (n"}]})json")))
          .live);
}

TEST_F(Neo4j, AServerThatIsNotThereOrRefuses) {
  const auto code_of = [&](auto change) {
    auto one = request("one", chain(3, "a"));
    change(one.server);
    const auto outcome = load(one);
    EXPECT_FALSE(outcome);
    return outcome ? Errc::kInternal : outcome.error().code;
  };
  EXPECT_EQ(code_of([](app::GraphServer& s) { s.http_url = "http://127.0.0.1:9"; }), Errc::kUnavailable);
  EXPECT_EQ(code_of([](app::GraphServer& s) { s.database = "nosuch"; }), Errc::kNotFound);
  // One wrong login only: the server locks an account after three.
  EXPECT_EQ(code_of([](app::GraphServer& s) { s.user = "tidegate-nobody"; }), Errc::kDenied);
}

TEST_F(Neo4j, TheExamplesRoadmapsAndGoldenQueries) {
  const std::filesystem::path examples = std::filesystem::path(TIDEGATE_SOURCE_DIR) / "examples";
  const auto golden = sys::read_file(examples / "curriculum-coach/golden.json");
  if (!golden) GTEST_SKIP() << golden.error().message;
  const auto roadmap = [&](const std::string& file) {
    auto next = request(file, *sys::read_file(examples / "curriculum" / file));
    next.golden = *golden;
    return must(load(next));
  };
  const auto first = roadmap("roadmap-v1.json");
  EXPECT_TRUE(first.live);
  EXPECT_EQ(first.problems, List{});
  EXPECT_GE(first.nodes, 150U);
  EXPECT_EQ(roadmap("roadmap-v2.json").previous, first.version);
  const auto broken = roadmap("roadmap-broken.json");
  EXPECT_FALSE(broken.live);
  const auto about = [&](std::string_view word) {
    return std::ranges::any_of(broken.problems, [&](const std::string& p) { return p.find(word) != p.npos; });
  };
  EXPECT_TRUE(about(": cycle: "));
  EXPECT_TRUE(about(": dangling: "));
}

// What a learner has mastered, as a program asks: by the concept, in the live version.
TEST_F(Neo4j, LearnersKeepWhatTheyHaveThroughReplacementAndRollback) {
  const auto one = must(load(request("one", chain(9, "a"))));
  EXPECT_EQ(one.notes, List{});
  Parameters name;
  name.text("name", name_);
  const auto made = api_->run(R"(
      UNWIND ['u3', 'u8'] AS uid MATCH (c:GraphConcept {name: $name, uid: uid})
      MERGE (l:TgTestLearner {name: $name}) CREATE (l)-[:MASTERED {at: uid}]->(c))",
                              name);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->counters.relationships_created, 2) << "each uid of a live version has its concept";
  const auto mastered = [&] {
    const auto rows = api_->run(R"(
        MATCH (a:Active {name: $name}) WITH a.version AS version
        MATCH (:TgTestLearner {name: $name})-[m:MASTERED]->(c:GraphConcept)
        OPTIONAL MATCH (n:GraphNode {version: version, uid: c.uid})
        RETURN c.uid, n.stamp ORDER BY c.uid)",
                                name, Access::kRead);
    std::string text;
    for (const auto& row : rows->rows) text += row[0].json + row[1].json + " ";
    return text;
  };
  EXPECT_EQ(mastered(), "\"u3\"\"a\" \"u8\"\"a\" ");

  List told;
  const auto two =
      must(load(request("two", chain(5, "b")), [&](std::string_view line) { told.emplace_back(line); }));
  const std::string note =
      "1 concepts with 1 relationships of your own have no node in this version; they are kept: u8";
  EXPECT_EQ(two.notes, List{note});
  EXPECT_NE(std::ranges::find(told, note), told.end());
  EXPECT_EQ(mastered(), "\"u3\"\"b\" \"u8\"null ");
  EXPECT_EQ(must(loader_->roll_back(server_, name_, "")).notes, List{});
  EXPECT_EQ(mastered(), "\"u3\"\"a\" \"u8\"\"a\" ");
  EXPECT_EQ(must(loader_->roll_back(server_, name_, two.version)).notes, List{note});

  for (const std::string stamp : {"c", "d", "e", "f"}) must(load(request(stamp, chain(9, stamp))));
  EXPECT_EQ(mastered(), "\"u3\"\"f\" \"u8\"\"f\" ") << "the versions they were made in are gone";
  EXPECT_EQ(api_->run("MATCH (c:GraphConcept {name: $name}) RETURN count(c)", name)->rows[0][0].integer(), 9)
      << "one for each uid, however many versions";
}

TEST_F(Neo4j, AVersionThatUsersTiedTheirDataToIsNotDropped) {
  const auto one = must(load(request("one", chain(3, "a")))).version;
  Parameters parameters;
  parameters.text("name", name_).text("version", one);
  ASSERT_TRUE(api_->run(R"(MATCH (n:GraphNode {version: $version, uid: 'u0'})
                           CREATE (:TgTestLearner {name: $name})-[:MASTERED]->(n))",
                        parameters));
  std::string told;
  for (const std::string stamp : {"b", "c", "d"}) {
    must(load(request(stamp, chain(3, stamp)),
              [&](std::string_view line) { told += std::string(line) + "\n"; }));
  }
  EXPECT_EQ(states(), (List{"live*", "retired", "retired", "retired"}));
  EXPECT_NE(told.find("old version " + one + " stays: 1 relationships lead from its nodes to your own"),
            std::string::npos);
  ASSERT_TRUE(api_->run("MATCH (l:TgTestLearner {name: $name}) DETACH DELETE l", parameters));
  must(load(request("e", chain(3, "e"))));
  EXPECT_EQ(states(), (List{"live*", "retired", "retired"}));
}

// A vector index holds all versions: who asks it must ask for more and keep those of the live one.
TEST_F(Neo4j, EmbeddingsFitTheVectorIndexAndAnswerGoldenQueries) {
  ASSERT_TRUE(
      api_->run(R"(CREATE VECTOR INDEX tgtest_vectors IF NOT EXISTS FOR (n:TgTestVector) ON (n.embedding)
      OPTIONS {indexConfig: {`vector.dimensions`: 3, `vector.similarity_function`: 'cosine'}})"));
  ASSERT_TRUE(api_->run("CALL db.awaitIndexes(300)"));
  const auto graph = [](std::string_view a, std::string_view b) {
    return fmt::format(R"({{"nodes": [{{"uid": "a", "label": "TgTestVector", "embedding": {}}},
                                      {{"uid": "b", "label": "TgTestVector", "embedding": {}}}]}})",
                       a, b);
  };
  auto flat = request("flat", graph("[1, 0]", "[0.5, 1]"));
  flat.golden = "{}";
  EXPECT_EQ(must(load(flat)).problems,
            (List{"golden queries: not a list",
                  "/nodes/0/embedding: embedding: embedding has 2 dimensions, the vector index "
                  "\"tgtest_vectors\" takes 3",
                  "/nodes/1/embedding: embedding: embedding has 2 dimensions, the vector index "
                  "\"tgtest_vectors\" takes 3"}));
  EXPECT_EQ(states(), List{});
  const std::string golden = R"json([{"name": "nearest", "parameters": {"vector": [1, 0.1, 0]}, "statement":
      "CALL db.index.vector.queryNodes('tgtest_vectors', 20, $vector) YIELD node, score WHERE node.version = $version RETURN node.uid ORDER BY score DESC LIMIT 1",
      "expect": [["a"]]}])json";
  auto one = request("one", graph("[1, 0, 0]", "[0, 1, 0.5]"));
  one.golden = golden;
  EXPECT_EQ(must(load(one)).problems, List{});
  auto two = request("two", graph("[0, 1, 0]", "[1, 0, 0.5]"));
  two.golden = golden;
  const auto refused = must(load(two));
  EXPECT_EQ(refused.problems, List{"golden query \"nearest\": expected [\"a\"]; got [\"b\"]"});
  ASSERT_TRUE(api_->run("DROP INDEX tgtest_vectors"));
}

// Compare-and-swap: of several that start from the same version, one wins.
TEST_F(Neo4j, OfManySwapsAtOnceOneWins) {
  must(load(request("base", chain(3, "base"))));
  std::vector<std::string> versions;
  for (int i = 0; i < 4; ++i) {
    const auto stamp = fmt::format("s{}", i);
    versions.push_back(must(load(request(stamp, chain(3, stamp)))).version);
    must(loader_->roll_back(server_, name_, ""));
  }
  const auto base = live();
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (const auto& version : versions) {
    if (version == base) continue;
    threads.emplace_back([&, version] {
      QueryApi api({server_.http_url, server_.user, server_.password, server_.database}, {});
      if (Versions(api, name_).swap(version, base, Versions::Move::kForward)) ++won;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
  EXPECT_NE(live(), base);
  Parameters name;
  name.text("name", name_);
  const auto pointers =
      api_->run("MATCH (a:Active {name: $name})-[:POINTS_TO]->(v) RETURN a.version = v.id", name);
  ASSERT_TRUE(pointers);
  EXPECT_EQ(pointers->rows, (std::vector<std::vector<Cell>>{{Cell{"true"}}}));
}

// Readers see the old graph or the new one: never a mixture, never nothing.
TEST_F(Neo4j, ReadersNeverSeeAMixture) {
  constexpr int kNodes = 60;
  constexpr int kLoads = 10;
  must(load(request("v0", chain(kNodes, "s0"))));
  std::atomic<bool> done = false;
  std::vector<std::set<std::string>> answers(2);
  std::vector<int> questions(2);
  std::vector<std::thread> readers;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    readers.emplace_back([&, i] {
      QueryApi api({server_.http_url, server_.user, server_.password, server_.database}, {});
      for (; !done; ++questions[i]) answers[i].insert(seen(api));
    });
  }
  std::set<std::string> pointers;  // read in a tight loop inside the server
  readers.emplace_back([&] {
    QueryApi api({server_.http_url, server_.user, server_.password, server_.database}, {});
    Parameters name;
    name.text("name", name_);
    while (!done) {
      const auto result = api.run(
          "UNWIND range(1, 20000) AS i CALL { WITH i MATCH (a:Active {name: $name}) WHERE i > 0 RETURN "
          "a.version AS v } "
          "RETURN DISTINCT v",
          name, Access::kRead);
      if (!result) {
        pointers.insert(result.error().message);
        continue;
      }
      for (const auto& row : result->rows) pointers.insert(row.at(0).json);
    }
  });
  options_.batch = 1000;
  loader_ = make_loader(options_);
  std::set<std::string> known = {json_text(live())};
  for (int i = 1; i <= kLoads; ++i) {
    known.insert(
        json_text(must(load(request(fmt::format("v{}", i), chain(kNodes, fmt::format("s{}", i))))).version));
  }
  const auto versions = loader_->versions(server_, name_);
  for (std::size_t i = 0; i < 10; ++i) must(loader_->roll_back(server_, name_, versions->at(i % 2).version));
  done = true;
  for (auto& reader : readers) reader.join();
  std::set<std::string> allowed;
  for (int i = 0; i <= kLoads; ++i) allowed.insert(fmt::format("{} {} [\"s{}\"] ", kNodes, kNodes - 1, i));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_GT(questions[i], 20);
    EXPECT_GT(answers[i].size(), 5U) << "the reader saw too few versions to judge";
    for (const auto& answer : answers[i]) EXPECT_TRUE(allowed.contains(answer)) << answer;
  }
  EXPECT_GT(pointers.size(), 5U);
  for (const auto& pointer : pointers) EXPECT_TRUE(known.contains(pointer)) << pointer;
}

// Neo4j's own driver reads in a loop while versions of different sizes go live and back.
TEST_F(Neo4j, ReadersWithTheOfficialDriverNeverSeeAMixture) {
  const auto python = variable("NEO4J_DRIVER_PYTHON");
  if (python.empty() || variable("NEO4J_BOLT_URL").empty()) GTEST_SKIP() << "NEO4J_DRIVER_PYTHON is not set";
  must(load(request("v0", chain(20, "s0"))));
  Parameters name;
  name.text("name", name_);
  ASSERT_TRUE(api_->run(R"(MATCH (c:GraphConcept {name: $name}) WITH c ORDER BY c.uid LIMIT 5
                           MERGE (l:TgTestLearner {name: $name}) CREATE (l)-[:MASTERED]->(c))",
                        name));
  const auto stop = folder_->path() / "stop";
  sys::Command command;
  command.argv = {python, std::string(TIDEGATE_SOURCE_DIR) + "/tests/graph/driver_reader.py", name_, stop};
  command.timeout = Millis{120'000};
  std::string out;
  std::string err;
  std::mutex mutex;
  std::condition_variable told;
  std::thread reader([&] {
    const auto exit = sys::run_streaming(
        command,
        [&](std::string_view bytes) {
          const std::lock_guard lock(mutex);
          out += bytes;
          told.notify_one();
        },
        [&](std::string_view bytes) { err += bytes; });
    EXPECT_TRUE(exit && exit->ok()) << err;
    const std::lock_guard lock(mutex);
    out += "ended\n";
    told.notify_one();
  });
  const auto wait_for = [&](const std::string& word) {
    std::unique_lock lock(mutex);
    told.wait(lock, [&] {
      return out.find(word) != std::string::npos || out.find("ended\n") != std::string::npos;
    });
  };
  wait_for("twice 20 19 s0");
  std::set<std::string> allowed = {"ended"};
  const auto allow = [&](int i) {
    const int nodes = 20 + i;
    allowed.insert({fmt::format("whole {} {} s{}", nodes, nodes - 1, i),
                    fmt::format("path {} {} s{}", nodes, nodes - 1, i),
                    fmt::format("twice {} {} s{}", nodes, nodes - 1, i), fmt::format("learner 5 5 s{}", i)});
  };
  allow(0);
  for (int i = 1; i <= 8; ++i) {
    allow(i);
    auto next = request(fmt::format("v{}", i), chain(20 + i, fmt::format("s{}", i)));
    next.keep = 20;  // a reader that asks twice must find its version still there
    const auto version = must(load(next)).version;
    must(loader_->roll_back(server_, name_, ""));
    must(loader_->roll_back(server_, name_, version));
  }
  wait_for("whole 28 27 s8");
  EXPECT_TRUE(sys::write_file(stop, ""));
  reader.join();
  int answers = 0;
  for (const auto& line : split(out, '\n')) {
    if (line.empty()) continue;
    ++answers;
    if (line.starts_with("reads ")) {
      EXPECT_GT(parse_integer(line.substr(6)).value_or(0), 100) << "too few to judge";
    } else {
      EXPECT_TRUE(allowed.contains(line)) << line;
    }
  }
  EXPECT_GT(answers, 12) << "the reader saw too few versions to judge: " << out;
}

}  // namespace
}  // namespace tidegate::neo4j
