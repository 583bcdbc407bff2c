// Records as OpenLineage run events. Source: OpenLineage spec 2-0-2 (OpenLineage.json, facets/*.json,
// Naming.md).
#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/lineage_views.h"
#include "base/sha256.h"
#include "dataset/intake.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

constexpr const char* kSpec = "https://openlineage.io/spec/2-0-2/OpenLineage.json";

// A name-based UUID (RFC 9562, version 8), or the 32 digits of a tracker's run id, which are one.
std::string uuid_of(std::string hex) {
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}
std::string uuid_named(const std::string& name) {
  std::string hex = sha256_hex(name).substr(0, 32);
  hex[12] = '8';
  hex[16] = "89ab"[hex[16] % 4];
  return uuid_of(std::move(hex));
}

class Events {
 public:
  Events(const ReadEntry& read, const std::string& url)
      : record_(read.record), entry_(read.entry), url_(url) {}

  std::vector<json::object> all() && {
    switch (record_.kind) {
      case lineage::Kind::kAttempt:
        attempt();
        break;
      case lineage::Kind::kDelivery:
        for (const auto& delivery : record_.deliveries) this->delivery(delivery);
        break;
      case lineage::Kind::kRun:
        if (record_.run) training(*record_.run);
        break;
      case lineage::Kind::kAlias:
        break;  // moves a name, makes nothing
    }
    return std::move(out_);
  }

 private:
  json::object facet(const char* schema, json::object members) const {
    members["_producer"] = url_;
    members["_schemaURL"] = fmt::format("https://openlineage.io/spec/facets/{}", schema);
    return members;
  }
  /// A facet of our own: what the base facet of the specification asks for, and more.
  json::object own_facet(const char* base, json::object members) const {
    members["_producer"] = url_;
    members["_schemaURL"] = fmt::format("{}#/$defs/{}", kSpec, base);
    return members;
  }
  json::object dataset(const std::string& space, const std::string& name, const std::string& version) const {
    json::object facets;
    if (!version.empty())
      facets["version"] = facet("1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
                                {{"datasetVersion", version}});
    return {{"namespace", space}, {"name", name}, {"facets", facets}};
  }

  json::object object() const {
    const lineage::Data& data = *record_.data;
    const auto address = dataset::parse_bound_uri(data.uri);
    json::object out = address && !address->is_file
                           ? dataset("s3://" + data.bucket, data.key, data.object_version)
                           : dataset("file", address ? address->key : data.key, data.sha256);
    auto& facets = out["facets"].as_object();
    facets["dataSource"] = facet("1-0-1/DatasourceDatasetFacet.json#/$defs/DatasourceDatasetFacet",
                                 {{"name", data.source}, {"uri", data.uri}});
    facets["tidegate_object"] =
        own_facet("DatasetFacet", {{"sha256", data.sha256}, {"size", data.size}, {"etag", data.etag}});
    return out;
  }
  json::object image(const lineage::DeliveryFact& delivery) const {
    const auto slash = delivery.repository.find('/');
    return dataset("oci://" + delivery.repository.substr(0, slash),
                   slash == std::string::npos ? delivery.repository : delivery.repository.substr(slash + 1),
                   delivery.digest);
  }
  json::object place(const lineage::DeliveryFact& delivery) const {
    return dataset(delivery.place, delivery.target, delivery.release);
  }

  json::object job(const std::string& name, const char* type) const {
    return {{"namespace", url_},
            {"name", record_.project + "/" + name},
            {"facets", json::object{{"jobType", facet("2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
                                                      {{"processingType", "BATCH"},
                                                       {"integration", "TIDEGATE"},
                                                       {"jobType", type}})}}}};
  }
  std::string pipeline_job() const { return record_.data ? record_.data->source : record_.branch; }
  std::string pipeline_run(std::int64_t pipeline) const {
    return uuid_named(fmt::format("{}\n{}\npipeline {}", url_, record_.project, pipeline));
  }

  void event(Instant when, const char* type, const std::string& run, json::object run_facets,
             json::object job, json::array inputs, json::array outputs) {
    run_facets["tidegate_record"] =
        own_facet("RunFacet",
                  {{"project", record_.project}, {"number", entry_.link.number}, {"hash", entry_.link.hash}});
    out_.push_back({{"eventTime", format_iso8601(when)},
                    {"eventType", type},
                    {"producer", url_},
                    {"schemaURL", fmt::format("{}#/$defs/RunEvent", kSpec)},
                    {"run", {{"runId", run}, {"facets", std::move(run_facets)}}},
                    {"job", std::move(job)},
                    {"inputs", std::move(inputs)},
                    {"outputs", std::move(outputs)}});
  }

  json::object code() const {
    json::object out{{"type", "git"},
                     {"url", fmt::format("{}/{}.git", url_, record_.project)},
                     {"repoUrl", fmt::format("{}/{}.git", url_, record_.project)},
                     {"version", record_.commit},
                     {"branch", record_.branch}};
    return facet("1-1-0/SourceCodeLocationJobFacet.json#/$defs/SourceCodeLocationJobFacet", std::move(out));
  }

  const char* end_type() const {
    if (record_.verdict == "live" || record_.verdict == "success") return "COMPLETE";
    return record_.verdict == "superseded" || record_.verdict == "canceled" ? "ABORT" : "FAIL";
  }

  void attempt() {
    const std::string run =
        record_.pipeline ? pipeline_run(record_.pipeline->id) : uuid_named(url_ + "\n" + entry_.link.hash);
    json::object job = this->job(pipeline_job(), "PIPELINE");
    if (!record_.commit.empty()) job["facets"].as_object()["sourceCodeLocation"] = code();
    json::array inputs;
    if (record_.data) inputs.push_back(object());
    json::array outputs;
    std::vector<std::string> told;
    for (const auto& delivery : record_.deliveries) {
      if (delivery.digest.empty() || std::ranges::find(told, delivery.digest) != told.end()) continue;
      told.push_back(delivery.digest);
      outputs.push_back(image(delivery));
    }
    if (record_.pipeline && record_.pipeline->started_at)
      event(*record_.pipeline->started_at, "START", run, {}, job, inputs, {});
    json::object facets{{"tidegate_verdict", own_facet("RunFacet", {{"verdict", record_.verdict},
                                                                    {"reason", record_.reason},
                                                                    {"attempt", record_.attempt},
                                                                    {"promoted", record_.promoted}})}};
    const std::string_view type = end_type();
    if (type == "FAIL")
      facets["errorMessage"] = facet("1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
                                     {{"message", record_.reason.empty() ? record_.verdict : record_.reason},
                                      {"programmingLanguage", "GitLab CI"}});
    event(record_.at, end_type(), run, std::move(facets), std::move(job), std::move(inputs),
          std::move(outputs));
  }

  json::object parent() const {
    json::object out;
    if (!entry_.pipeline || record_.kind == lineage::Kind::kAttempt) return out;
    out["tidegate_pipeline"] = own_facet("RunFacet", {{"pipeline", entry_.pipeline.value()},
                                                      {"runId", pipeline_run(entry_.pipeline.value())}});
    return out;
  }

  void delivery(const lineage::DeliveryFact& delivery) {
    const bool good = delivery.state == "live";
    json::array inputs, outputs;
    if (!delivery.digest.empty()) inputs.push_back(image(delivery));
    if (good) outputs.push_back(place(delivery));
    // Taken back: what is there now is what was there before.
    if (delivery.state == "rolled_back" && !delivery.previous.empty())
      outputs.push_back(dataset(delivery.place, delivery.target, delivery.previous));
    json::object facets = parent();
    facets["tidegate_delivery"] = own_facet("RunFacet", {{"key", delivery.key},
                                                         {"state", delivery.state},
                                                         {"previous", delivery.previous},
                                                         {"message", delivery.message}});
    if (!good)
      facets["errorMessage"] =
          facet("1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
                {{"message", delivery.message.empty() ? delivery.state : delivery.message},
                 {"programmingLanguage", "shell"}});
    event(record_.at, good ? "COMPLETE" : "FAIL", uuid_named(url_ + "\n" + entry_.link.hash),
          std::move(facets), job(delivery.target, delivery.kind == "graph" ? "LOAD" : "DEPLOY"),
          std::move(inputs), std::move(outputs));
  }

  void training(const lineage::RunFact& run) {
    json::object facets = parent();
    facets["tidegate_training"] = own_facet("RunFacet", {{"mlflow_run_id", run.run_id},
                                                         {"mlflow_experiment_id", run.experiment_id},
                                                         {"delivery", run.delivery},
                                                         {"release", run.release},
                                                         {"input_logged", run.input_logged}});
    const bool is_uuid =
        run.run_id.size() == 32 && run.run_id.find_first_not_of("0123456789abcdef") == std::string::npos;
    event(record_.at, "OTHER", is_uuid ? uuid_of(run.run_id) : uuid_named(run.run_id), std::move(facets),
          job("train", "TRAINING"), {}, {});
  }

  const lineage::Record& record_;
  const lineage::Entry& entry_;
  const std::string& url_;
  std::vector<json::object> out_;
};

}  // namespace

std::vector<json::object> openlineage_events(const ReadEntry& read, const std::string& url) {
  return Events(read, url).all();
}

}  // namespace tidegate::http::api
