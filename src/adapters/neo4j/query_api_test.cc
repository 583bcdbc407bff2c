// What needs no server: parameters, canonical values, golden queries' text, batches.
#include "adapters/neo4j/query_api.h"

#include <gtest/gtest.h>

#include "adapters/neo4j/batches.h"
#include "adapters/neo4j/golden.h"
#include "sys/http_test_server.h"

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
    graph.nodes.push_back({"", std::to_string(i), i % 2 == 0 ? "A" : "B", {{"w", 1.0}}});
  }
  graph.edges.push_back({"", "T", "0", "1", {{"k", std::vector<std::string>{"x\"", "y"}}}});
  const auto nodes = node_batches(graph, 2);
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].name, "A");
  EXPECT_EQ(nodes[0].rows, R"([{"w":1E0,"uid":"0"},{"w":1E0,"uid":"2"}])");
  EXPECT_EQ(nodes[1].name, "B");
  EXPECT_EQ(nodes[1].count, 2U);
  EXPECT_EQ(nodes[2].count, 1U);
  const auto ids =
      node_ids(graph, {{"1", "4:x:11"}, {"0", "4:x:10"}, {"2", "4:x:12"}, {"3", "4:x:3"}, {"4", "4:x:4"}});
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->prefix, "4:x:");
  const auto edges = edge_batches(graph, *ids, 10);
  ASSERT_EQ(edges.size(), 1U);
  EXPECT_EQ(edges[0].rows, R"([["10","11",{"k":["x\"","y"]}]])");
  EXPECT_EQ(node_ids(graph, {{"0", "x"}}).error().code, Errc::kConflict);
}

// A server that plays a list of answers, the last one for ever, and keeps what it was asked.
class Script {
 public:
  explicit Script(std::vector<std::pair<int, std::string>> answers)
      : answers_(std::move(answers)), server_([this](const sys::TestHttpServer::Request& request) {
          const std::lock_guard lock(mutex_);
          asked_.push_back(request.method + " " + request.target);
          const auto& [status, body] = answers_[std::min(asked_.size(), answers_.size()) - 1];
          return sys::TestHttpServer::answer(status, body);
        }) {}

  QueryApi api() {
    QueryOptions options;
    options.attempts = 4;
    options.wait = [this](Millis millis) { waits_.push_back(millis.count()); };
    return QueryApi({server_.url(""), "u", Secret("p"), "neo4j"}, options);
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  const std::vector<long>& waits() const { return waits_; }

 private:
  std::vector<std::pair<int, std::string>> answers_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  std::vector<long> waits_;
  sys::TestHttpServer server_;
};

using Longs = std::vector<long>;
const std::string kDeadlock =
    R"({"errors": [{"code": "Neo.TransientError.Transaction.DeadlockDetected", "message": "dead"}]})";
const std::string kDone = R"({"data": {"fields": ["x"], "values": [[1]]}, "counters": {"nodesCreated": 2}})";

TEST(QueryApi, TriesTransientErrorsAgainWhateverTheStatus) {
  Script script({{202, kDeadlock}, {400, kDeadlock}, {202, kDone}});
  auto api = script.api();
  const auto result = api.run("RETURN 1");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->fields, std::vector<std::string>{"x"});
  EXPECT_EQ(result->rows[0][0].integer(), 1);
  EXPECT_EQ(result->counters.nodes_created, 2);
  EXPECT_EQ(script.waits(), (Longs{100, 200}));
}

TEST(QueryApi, GivesUpAfterItsAttempts) {
  Script script({{202, kDeadlock}});
  auto api = script.api();
  const auto result = api.run("RETURN 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kUnavailable);
  EXPECT_EQ(script.asked().size(), 4U);
  EXPECT_EQ(script.waits(), (Longs{100, 200, 400}));
}

TEST(QueryApi, AcceptedIsNotDone) {
  Script script(
      {{202, R"({"errors": [{"code": "Neo.ClientError.Statement.SyntaxError", "message": "m\n"}]})"}});
  auto api = script.api();
  const auto result = api.run("RETRN 1");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kInvalid);
  EXPECT_EQ(result.error().message, "Neo.ClientError.Statement.SyntaxError: m\\x0a");
  EXPECT_EQ(script.asked().size(), 1U);
}

TEST(QueryApi, AnswersThatAreNotNeo4js) {
  const auto code = [](int status, const std::string& body) {
    Script script({{status, body}});
    auto api = script.api();
    const auto result = api.run("RETURN 1");
    return result ? Errc::kInternal : result.error().code;
  };
  EXPECT_EQ(code(200, "<html>"), Errc::kFailed);
  EXPECT_EQ(code(401, ""), Errc::kDenied);
  EXPECT_EQ(code(404, "<html>"), Errc::kNotFound);
  EXPECT_EQ(code(503, "{}"), Errc::kUnavailable);
  EXPECT_EQ(code(418, "[]"), Errc::kFailed);
}

TEST(QueryApi, TransactionsCommitRollBackAndStartAnew) {
  const std::string begun = R"({"transaction": {"id": "t/1", "expires": "2026"}})";
  using Asked = std::vector<std::string>;
  {
    Script script({{202, begun}, {202, kDeadlock}, {404, "{}"}, {202, begun}, {202, kDone}, {202, "{}"}});
    auto api = script.api();
    const auto status = api.in_transaction([](QueryApi::Transaction& transaction) -> Status {
      TG_CHECK(transaction.run("RETURN 1"));
      return {};
    });
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(script.asked(),
              (Asked{"POST /db/neo4j/query/v2/tx", "POST /db/neo4j/query/v2/tx/t%2F1",
                     "DELETE /db/neo4j/query/v2/tx/t%2F1", "POST /db/neo4j/query/v2/tx",
                     "POST /db/neo4j/query/v2/tx/t%2F1", "POST /db/neo4j/query/v2/tx/t%2F1/commit"}));
  }
  Script script({{202, begun}, {200, "{}"}});
  auto api = script.api();
  const auto refused =
      api.in_transaction([](QueryApi::Transaction&) -> Status { return fail(Errc::kConflict, "no"); });
  EXPECT_EQ(refused.error().code, Errc::kConflict);
  EXPECT_EQ(script.asked().size(), 2U) << "began, rolled back, not tried again";
}

}  // namespace
}  // namespace tidegate::neo4j
