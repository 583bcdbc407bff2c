#include "adapters/mlflow/tracking.h"

#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/http_client.h"

namespace tidegate::mlflow {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxRuns = 1000;
constexpr std::size_t kMaxExperiments = 5000;
constexpr std::size_t kExperimentsPerSearch = 500;
constexpr std::size_t kMaxVersions = 1000;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

const json::object* object_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* list_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? nullptr : value->if_array();
}

std::optional<Instant> time_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return Instant{Millis{value->get_int64()}};
  const auto number = parse_integer(text_of(object, name));  // protobuf's JSON writes 64 bits as text
  if (!number) return std::nullopt;
  return Instant{Millis{*number}};
}

app::TrackedRun run_of(const json::object& run) {
  app::TrackedRun result;
  if (const auto* info = object_of(run, "info")) {
    result.run_id = text_of(*info, "run_id");
    result.experiment_id = text_of(*info, "experiment_id");
    result.status = text_of(*info, "status");
    result.start_time = time_of(*info, "start_time");
  }
  const auto* data = object_of(run, "data");
  const auto* tags = data == nullptr ? nullptr : list_of(*data, "tags");
  if (tags == nullptr) return result;
  for (const auto& tag : *tags) {
    if (const auto* pair = tag.if_object()) result.tags[text_of(*pair, "key")] = text_of(*pair, "value");
  }
  return result;
}

Errc code_of(long status, const std::string& error_code) {
  if (status == 404 || error_code == "RESOURCE_DOES_NOT_EXIST") return Errc::kNotFound;
  if (status == 401 || status == 403) return Errc::kDenied;
  if (status == 429 || status >= 500) return Errc::kUnavailable;
  return status == 400 ? Errc::kInvalid : Errc::kFailed;
}

json::string json_text(std::string_view text) {
  return json::string(text.data(), text.size());
}

// MLflow's limit of a dataset's digest (mlflow.utils.validation, MAX_DATASET_DIGEST_SIZE).
constexpr std::size_t kDigestSize = 36;

// MLflow keeps one dataset for each name and digest of an experiment, with the source that came first. So the
// digest is one of the object's version, not of its bytes alone: the same bytes may come again, elsewhere.
std::string digest_of(const app::TrackedInput& input) {
  return sha256_hex(input.uri + "\n" + input.version + "\n" + input.sha256).substr(0, kDigestSize);
}

// What the MLflow client writes for mlflow.log_input() (protobuf: LogInputs). Its sources of type "s3" and
// "local" read "uri"; the exact version stands beside it, for people.
std::string inputs_body(std::string_view run_id, const app::TrackedInput& input) {
  json::object source{{"uri", input.uri}};
  if (!input.version.empty()) source["version_id"] = input.version;
  json::object profile{{"sha256", input.sha256}};
  if (input.size != 0) profile["size"] = input.size;
  const json::object dataset{{"name", input.name},
                             {"digest", digest_of(input)},
                             {"source_type", input.uri.starts_with("s3://") ? "s3" : "local"},
                             {"source", json::serialize(source)},
                             {"profile", json::serialize(profile)}};
  const json::object tag{{"key", "mlflow.data.context"}, {"value", "training"}};
  return json::serialize(json::object{
      {"run_id", json_text(run_id)},
      {"datasets", json::array{json::object{{"tags", json::array{tag}}, {"dataset", dataset}}}}});
}

// The filter language has no escapes.
bool is_model_name(std::string_view name) {
  return !name.empty() && name.size() <= 250 && is_utf8(name) &&
         name.find_first_of("'\"\\") == std::string_view::npos &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

class MlflowTracking final : public app::Tracking {
 public:
  MlflowTracking(Endpoint endpoint, Millis timeout) : endpoint_(std::move(endpoint)), timeout_(timeout) {
    while (endpoint_.uri.ends_with('/')) endpoint_.uri.pop_back();
  }

  Status health() override {
    TG_TRY(const auto response, send("GET", "/health", ""));
    if (response.status == 200) return {};
    return fail(code_of(response.status, ""),
                fmt::format("{}/health: HTTP {}", endpoint_.uri, response.status));
  }

  Result<std::vector<app::TrackedRun>> runs_with_tag(std::string_view key, std::string_view value) override {
    TG_TRY(const auto filter, tag_filter(key, value));
    TG_TRY(const auto experiments, active_experiments());
    std::vector<app::TrackedRun> runs;
    for (std::size_t i = 0; i < experiments.size(); i += kExperimentsPerSearch) {
      json::array ids(experiments.begin() + static_cast<std::ptrdiff_t>(i),
                      experiments.begin() + static_cast<std::ptrdiff_t>(
                                                std::min(experiments.size(), i + kExperimentsPerSearch)));
      TG_CHECK(search_runs(std::move(ids), filter, runs));
    }
    // The server's text comparison may depend on its database's collation; ours does not.
    std::erase_if(runs, [&](const app::TrackedRun& run) {
      const auto tag = run.tags.find(std::string(key));
      return tag == run.tags.end() || tag->second != value;
    });
    std::ranges::sort(runs, std::ranges::greater{},
                      [](const app::TrackedRun& run) { return std::pair(run.start_time, run.run_id); });
    if (runs.size() > kMaxRuns) runs.resize(kMaxRuns);
    return runs;
  }

  Result<app::TrackedRun> run(std::string_view run_id) override {
    TG_TRY(const auto answer, ask("GET", "runs/get?run_id=" + percent_encode(run_id), ""));
    const auto* run = object_of(answer, "run");
    if (run == nullptr) return fail(Errc::kFailed, "MLflow answered without a run");
    return run_of(*run);
  }

  Result<app::TrackedExperiment> experiment_by_name(std::string_view name) override {
    TG_TRY(const auto answer,
           ask("GET", "experiments/get-by-name?experiment_name=" + percent_encode(name), ""));
    const auto* experiment = object_of(answer, "experiment");
    if (experiment == nullptr) return fail(Errc::kFailed, "MLflow answered without an experiment");
    return app::TrackedExperiment{text_of(*experiment, "experiment_id"), text_of(*experiment, "name"),
                                  text_of(*experiment, "lifecycle_stage") == "deleted"};
  }

  Status log_input(std::string_view run_id, const app::TrackedInput& input) override {
    TG_CHECK(ask("POST", "runs/log-inputs", inputs_body(run_id, input)));
    return {};
  }

  Result<std::vector<app::TrackedModelVersion>> model_versions(std::string_view model) override {
    if (!is_model_name(model))
      return fail(Errc::kInvalid, "not a registered model's name: " + printable(model));
    TG_TRY(const auto answer, ask("GET",
                                  fmt::format("model-versions/search?max_results={}&order_by={}&filter={}",
                                              kMaxVersions, percent_encode("version_number DESC"),
                                              percent_encode(fmt::format("name='{}'", model))),
                                  ""));
    std::vector<app::TrackedModelVersion> out;
    const auto* list = list_of(answer, "model_versions");
    if (list == nullptr) return out;
    for (const auto& item : *list) {
      const auto* version = item.if_object();
      const auto number = version == nullptr ? std::nullopt : parse_integer(text_of(*version, "version"));
      if (number)
        out.push_back({*number, text_of(*version, "run_id"), text_of(*version, "status") == "READY"});
    }
    return out;
  }

  Status set_alias(std::string_view model, std::string_view alias, std::string_view version) override {
    json::object body{{"name", json_text(model)}, {"alias", json_text(alias)}};
    if (version.empty()) {
      const auto removed = ask("DELETE", "registered-models/alias", json::serialize(body));
      if (!removed && removed.error().code != Errc::kNotFound) return removed.error();
      return {};
    }
    body["version"] = json_text(version);
    TG_CHECK(ask("POST", "registered-models/alias", json::serialize(body)));
    return {};
  }

 private:
  Result<sys::HttpResponse> send(const std::string& method, const std::string& path, std::string body) {
    sys::HttpRequest request;
    request.method = method;
    request.url = endpoint_.uri + path;
    if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    if (!endpoint_.token.empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + endpoint_.token.reveal());
    } else {
      request.user = endpoint_.user;
      request.password = endpoint_.password.reveal();
    }
    request.body = std::move(body);
    request.timeout = timeout_;
    auto response = http_.send(request);
    if (!response) return with_context("MLflow at " + endpoint_.uri, std::move(response).error());
    return response;
  }

  Result<json::object> ask(const std::string& method, const std::string& call, std::string body) {
    TG_TRY(const auto response, send(method, "/api/2.0/mlflow/" + call, std::move(body)));
    boost::system::error_code error;
    auto value = json::parse(response.body, error);
    const auto* object = error ? nullptr : value.if_object();
    if (response.status == 200 && object != nullptr) return std::move(value.get_object());
    const std::string code = object != nullptr ? text_of(*object, "error_code") : "";
    const std::string message =
        object != nullptr ? text_of(*object, "message") : "the answer is not MLflow's";
    const long status = response.status == 200 ? 599 : response.status;
    return fail(response.status == 200 ? Errc::kFailed : code_of(status, code),
                fmt::format("MLflow at {}: {}: HTTP {} {} {}", endpoint_.uri, call.substr(0, call.find('?')),
                            response.status, code, printable(message, 300)));
  }

  Result<std::vector<json::value>> active_experiments() {
    std::vector<json::value> ids;
    std::string page;
    do {
      json::object body{{"max_results", 1000}, {"view_type", "ACTIVE_ONLY"}};
      if (!page.empty()) body["page_token"] = page;
      TG_TRY(const auto answer, ask("POST", "experiments/search", json::serialize(body)));
      if (const auto* list = list_of(answer, "experiments")) {
        for (const auto& item : *list) {
          if (const auto* experiment = item.if_object())
            ids.emplace_back(text_of(*experiment, "experiment_id"));
        }
      }
      page = text_of(answer, "next_page_token");
    } while (!page.empty() && ids.size() < kMaxExperiments);
    return ids;
  }

  Status search_runs(json::array ids, const std::string& filter, std::vector<app::TrackedRun>& runs) {
    json::object body{{"experiment_ids", std::move(ids)},
                      {"filter", filter},
                      {"max_results", kMaxRuns},
                      {"order_by", json::array{"attributes.start_time DESC"}}};
    TG_TRY(const auto answer, ask("POST", "runs/search", json::serialize(body)));
    const auto* list = list_of(answer, "runs");
    if (list == nullptr) return {};
    for (const auto& item : *list) {
      if (const auto* run = item.if_object()) runs.push_back(run_of(*run));
    }
    return {};
  }

  Endpoint endpoint_;
  Millis timeout_;
  sys::HttpClient http_;
};

bool plain(std::string_view text) {
  return is_utf8(text) &&
         std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Result<std::string> tag_filter(std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > 250 || !plain(key) || key.find('`') != std::string_view::npos) {
    return fail(Errc::kInvalid, "not a tag's key: " + printable(key));
  }
  if (value.size() > 5000 || !plain(value))
    return fail(Errc::kInvalid, "not a tag's value: " + printable(value));
  const bool single = value.find('\'') != std::string_view::npos;
  const bool both = single && value.find('"') != std::string_view::npos;
  // A back-slash may hide the quote that ends the text.
  if (both || value.find('\\') != std::string_view::npos) {
    return fail(Errc::kInvalid, "MLflow's filter language cannot hold this value: " + printable(value));
  }
  const char quote = single ? '"' : '\'';
  return fmt::format("tags.`{}` = {}{}{}", key, quote, value, quote);
}

std::unique_ptr<app::Tracking> make_tracking(Endpoint endpoint, Millis timeout) {
  return std::make_unique<MlflowTracking>(std::move(endpoint), timeout);
}

}  // namespace tidegate::mlflow
