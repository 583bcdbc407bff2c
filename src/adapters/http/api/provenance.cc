// Records as in-toto Statements v1 with SLSA provenance v1: which commit and which data made an image.
// Source: in-toto attestation framework, spec/v1/statement.md; slsa.dev/spec/v1.0/provenance.
#include <algorithm>

#include <boost/json.hpp>
#include <fmt/core.h>

#include "adapters/http/api/lineage_views.h"

namespace tidegate::http::api {
namespace {

namespace json = boost::json;

bool is_accepted(const lineage::Record& record) {
  return record.kind == lineage::Kind::kAttempt &&
         (record.verdict == "live" || record.verdict == "success") && record.pipeline &&
         !record.commit.empty();
}

json::array dependencies(const lineage::Record& record, const std::string& repository) {
  json::array out;
  out.push_back({{"uri", fmt::format("git+{}@refs/heads/{}", repository, record.branch)},
                 {"digest", {{"gitCommit", record.commit}}}});
  if (!record.data) return out;
  json::object data{{"name", record.data->source},
                    {"uri", record.data->uri},
                    {"digest", {{"sha256", record.data->sha256}}}};
  data["annotations"] = {
      {"etag", record.data->etag}, {"size", record.data->size}, {"number", record.data->number}};
  out.push_back(std::move(data));
  return out;
}

// The logs, so that who verifies the image can tell that the tests which it passed are the ones on record.
json::array logs(const lineage::Record& record) {
  json::array out;
  for (const lineage::JobFact& job : record.pipeline->jobs) {
    if (job.log_sha256.empty()) continue;
    out.push_back({{"name", fmt::format("log of job {} (#{}), {}", job.name, job.id, job.status)},
                   {"digest", {{"sha256", job.log_sha256}}},
                   {"mediaType", "text/plain"}});
  }
  return out;
}

json::object predicate(const ReadEntry& read, const std::string& url) {
  const lineage::Record& record = read.record;
  const std::string repository = fmt::format("{}/{}.git", url, record.project);
  json::object outside{{"repository", repository}, {"ref", record.branch}, {"config", ".gitlab-ci.yml"}};
  if (record.data) outside["data"] = record.data->uri;
  json::object inside{{"pipeline", record.pipeline->id},
                      {"attempt", record.attempt},
                      {"record", read.entry.link.number},
                      {"record_hash", read.entry.link.hash}};
  json::object metadata{
      {"invocationId", fmt::format("{}/{}/-/pipelines/{}", url, record.project, record.pipeline->id)}};
  if (record.pipeline->started_at) metadata["startedOn"] = format_iso8601(*record.pipeline->started_at);
  if (record.pipeline->finished_at) metadata["finishedOn"] = format_iso8601(*record.pipeline->finished_at);
  return {{"buildDefinition",
           {{"buildType", "urn:tidegate:gitlab-ci-pipeline:1"},
            {"externalParameters", outside},
            {"internalParameters", inside},
            {"resolvedDependencies", dependencies(record, repository)}}},
          {"runDetails", {{"builder", {{"id", url}}}, {"metadata", metadata}, {"byproducts", logs(record)}}}};
}

}  // namespace

std::vector<json::object> provenance_statements(const ReadEntry& read, const std::string& url) {
  std::vector<json::object> out;
  if (!is_accepted(read.record)) return out;
  std::vector<std::string> told;
  for (const lineage::DeliveryFact& delivery : read.record.deliveries) {
    if (!delivery.digest.starts_with("sha256:") || std::ranges::find(told, delivery.digest) != told.end())
      continue;
    told.push_back(delivery.digest);
    const json::object subject{{"name", delivery.repository},
                               {"digest", {{"sha256", delivery.digest.substr(7)}}}};
    out.push_back({{"_type", "https://in-toto.io/Statement/v1"},
                   {"subject", json::array{subject}},
                   {"predicateType", "https://slsa.dev/provenance/v1"},
                   {"predicate", predicate(read, url)}});
  }
  return out;
}

}  // namespace tidegate::http::api
