#include "adapters/mlflow/tracking.h"

#include <cstdlib>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/http_client.h"
#include "sys/http_test_server.h"

namespace tidegate::mlflow {
namespace {

namespace json = boost::json;

TEST(TagFilter, QuotesWhatCanBeQuoted) {
  EXPECT_EQ(*tag_filter("cd.pipeline_id", "12"), "tags.`cd.pipeline_id` = '12'");
  EXPECT_EQ(*tag_filter("k", "it's"), "tags.`k` = \"it's\"");
  EXPECT_EQ(*tag_filter("k", "say \"x\" 한글"), "tags.`k` = 'say \"x\" 한글'");
}

TEST(TagFilter, RefusesWhatWouldBecomeAnotherFilter) {
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"", "x"},
                                                        {"a`b", "x"},
                                                        {"k", "'\""},
                                                        {"k", "x\\"},
                                                        {"k", "a\nb"},
                                                        {"k", "\xff"},
                                                        {std::string(251, 'k'), ""}}) {
    const auto filter = tag_filter(key, value);
    ASSERT_FALSE(filter) << key << value;
    EXPECT_EQ(filter.error().code, Errc::kInvalid);
  }
}

Errc code_of(int status, const std::string& body) {
  const sys::TestHttpServer server([&](const auto&) { return sys::TestHttpServer::answer(status, body); });
  const auto runs = make_tracking({server.url(""), "", {}, {}})->runs_with_tag("k", "v");
  return runs ? Errc::kInternal : runs.error().code;
}

TEST(Tracking, AnswersThatAreNotMlflows) {
  EXPECT_EQ(code_of(200, "<html>"), Errc::kFailed);
  EXPECT_EQ(code_of(200, "[]"), Errc::kFailed);
  EXPECT_EQ(code_of(401, ""), Errc::kDenied);
  EXPECT_EQ(code_of(503, "{}"), Errc::kUnavailable);
  EXPECT_EQ(code_of(400, R"({"error_code": "INVALID_PARAMETER_VALUE", "message": "m"})"), Errc::kInvalid);
  const auto down = make_tracking({"http://127.0.0.1:9", "", {}, {}});
  EXPECT_EQ(down->health().error().code, Errc::kUnavailable);
}

TEST(Tracking, SendsItsLogin) {
  std::string seen;
  const sys::TestHttpServer server([&](const sys::TestHttpServer::Request& request) {
    seen = request.headers.contains("authorization") ? request.headers.at("authorization") : "";
    return sys::TestHttpServer::answer(200, "OK");
  });
  EXPECT_TRUE(make_tracking({server.url(""), "", {}, Secret("t0ken")})->health());
  EXPECT_EQ(seen, "Bearer t0ken");
  EXPECT_TRUE(make_tracking({server.url(""), "u", Secret("p"), {}})->health());
  EXPECT_EQ(seen, "Basic dTpw");
}

// Against a real server: MLFLOW_TRACKING_URI. In an experiment of its own, deleted in the end.
class RealMlflow : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* uri = std::getenv("MLFLOW_TRACKING_URI");
    if (uri == nullptr || !std::string_view(uri).starts_with("http")) {
      GTEST_SKIP() << "MLFLOW_TRACKING_URI is not set to a server";
    }
    uri_ = uri;
    tracking_ = make_tracking({uri_, "", {}, {}});
    name_ = "tgtest's " + random_hex(6);
    experiment_ = call("experiments/create", {{"name", name_}}).at("experiment_id").as_string().c_str();
  }
  void TearDown() override {
    if (!experiment_.empty()) call("experiments/delete", {{"experiment_id", experiment_}});
  }

  json::object call(const std::string& name, const json::object& body) {
    sys::HttpRequest request;
    request.method = "POST";
    request.url = uri_ + "/api/2.0/mlflow/" + name;
    request.headers = {{"Content-Type", "application/json"}};
    request.body = json::serialize(body);
    const auto response = sys::HttpClient().send(request);
    EXPECT_TRUE(response && response->status == 200)
        << (response ? response->body : response.error().message);
    return response ? json::parse(response->body).as_object() : json::object();
  }

  std::string make_run(std::int64_t start, const std::string& key, const std::string& value) {
    const auto answer =
        call("runs/create", {{"experiment_id", experiment_},
                             {"start_time", start},
                             {"tags", json::array{json::object{{"key", key}, {"value", value}}}}});
    return answer.at("run").at("info").at("run_id").as_string().c_str();
  }

  std::string uri_;
  std::string name_;
  std::string experiment_;
  std::unique_ptr<app::Tracking> tracking_;
};

TEST_F(RealMlflow, FindsRunsByTag) {
  EXPECT_TRUE(tracking_->health());
  const auto value = "s3://team-data/it's " + random_hex(6) + "%_ 한글";
  const auto first = make_run(1000, "data.uri", value);
  const auto second = make_run(2000, "data.uri", value);
  make_run(3000, "data.uri", value + "x");
  make_run(4000, "data.uri", to_upper(value));
  make_run(5000, "other", value);

  const auto runs = tracking_->runs_with_tag("data.uri", value);
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ(runs->at(0).run_id, second) << "newest first";
  EXPECT_EQ(runs->at(1).run_id, first);
  EXPECT_EQ(runs->at(0).experiment_id, experiment_);
  EXPECT_EQ(runs->at(0).status, "RUNNING");
  EXPECT_EQ(runs->at(0).tags.at("data.uri"), value);
  EXPECT_EQ(runs->at(0).start_time, Instant{Millis{2000}});
  const auto none = tracking_->runs_with_tag("data.uri", "' OR '1'='1");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());

  const auto run = tracking_->run(first);
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->tags.at("data.uri"), value);
  EXPECT_EQ(tracking_->run("nosuchrun").error().code, Errc::kNotFound);
}

TEST_F(RealMlflow, AnInputIsThereOnceHoweverOftenItIsLogged) {
  const auto first = make_run(1000, "a", "b");
  const auto second = make_run(2000, "a", "b");
  const app::TrackedInput data{"training", "s3://team-data/a%20b.jsonl", "v1", std::string(64, 'a'), 12};
  app::TrackedInput again = data;
  again.version = "v2";  // the same bytes, put once more
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(tracking_->log_input(first, data));
  ASSERT_TRUE(tracking_->log_input(second, again));
  const auto inputs = [&](const std::string& run) {
    sys::HttpRequest request;
    request.url = uri_ + "/api/2.0/mlflow/runs/get?run_id=" + run;
    return json::parse(sys::HttpClient().send(request)->body)
        .at("run")
        .at("inputs")
        .at("dataset_inputs")
        .as_array();
  };
  ASSERT_EQ(inputs(first).size(), 1U);
  EXPECT_EQ(json::parse(inputs(first).at(0).at("dataset").at("source").as_string()).at("version_id"), "v1");
  EXPECT_EQ(json::parse(inputs(second).at(0).at("dataset").at("source").as_string()).at("version_id"), "v2");
  EXPECT_EQ(tracking_->log_input("nosuchrun", data).error().code, Errc::kNotFound);
}

TEST_F(RealMlflow, MovesAliases) {
  const std::string model = "tgtest-" + random_hex(6);
  EXPECT_TRUE(tracking_->model_versions(model)->empty());
  EXPECT_EQ(tracking_->set_alias(model, "champion", "1").error().code, Errc::kNotFound);
  call("registered-models/create", {{"name", model}});
  const auto run = make_run(1000, "a", "b");
  for (int i = 0; i < 2; ++i)
    call("model-versions/create", {{"name", model}, {"source", "runs:/" + run + "/model"}, {"run_id", run}});
  const auto versions = tracking_->model_versions(model);
  ASSERT_TRUE(versions) << versions.error().message;
  ASSERT_EQ(versions->size(), 2U);
  EXPECT_EQ(versions->at(0).version, 2);
  EXPECT_EQ(versions->at(0).run_id, run);
  EXPECT_TRUE(versions->at(0).ready);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(tracking_->set_alias(model, "champion", "2"));
  EXPECT_FALSE(tracking_->set_alias(model, "champion", "3")) << "there is no such version";
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(tracking_->set_alias(model, "champion", ""));
  EXPECT_EQ(tracking_->model_versions("it's").error().code, Errc::kInvalid);
}

TEST_F(RealMlflow, FindsExperimentsByName) {
  const auto experiment = tracking_->experiment_by_name(name_);
  ASSERT_TRUE(experiment) << experiment.error().message;
  EXPECT_EQ(experiment->id, experiment_);
  EXPECT_FALSE(experiment->deleted);
  EXPECT_EQ(tracking_->experiment_by_name("no such one").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace tidegate::mlflow
