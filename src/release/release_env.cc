#include "release/release_env.h"

#include <fmt/core.h>

#include "release/journal_line.h"

namespace tidegate::release {
namespace {

std::string quotable(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '\'') {
      out += fmt::format("%{:02X}", byte);
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string number(std::int64_t value) {
  return value == 0 ? std::string() : fmt::format("{}", value);
}

void drop_empty(Fields& fields) {
  std::erase_if(fields, [](const auto& entry) { return entry.second.empty(); });
}

}  // namespace

std::map<std::string, std::string> release_variables(const Provenance& p) {
  Fields tags = {{"mlflow.source.git.commit", p.commit},
                 {"mlflow.source.git.repoURL", p.repo_url},
                 {"mlflow.docker.image.uri", p.image},
                 {"data.uri", p.data_uri},
                 {"data.version_id", p.data_version},
                 {"data.sha256", p.data_sha256},
                 {"cd.project", p.project},
                 {"cd.pipeline_id", number(p.pipeline)},
                 {"cd.image_digest", p.digest},
                 {"cd.deployment_id", p.deployment},
                 {"cd.release_id", p.release}};
  drop_empty(tags);
  Fields variables = {{"TIDEGATE_TARGET", p.target},           {"TIDEGATE_RELEASE", p.member},
                      {"TIDEGATE_RELEASE_ID", p.release},      {"TIDEGATE_COMMIT", p.commit},
                      {"TIDEGATE_IMAGE_DIGEST", p.digest},     {"TIDEGATE_PIPELINE_ID", number(p.pipeline)},
                      {"TIDEGATE_DATA_URI", p.data_uri},       {"TIDEGATE_DATA_VERSION", p.data_version},
                      {"TIDEGATE_DATA_SHA256", p.data_sha256}, {"MLFLOW_RUN_CONTEXT", write_line(tags)}};
  drop_empty(variables);
  return variables;
}

std::string env_file(const std::map<std::string, std::string>& variables) {
  std::string out;
  for (const auto& [name, value] : variables) out += fmt::format("{}='{}'\n", name, quotable(value));
  return out;
}

std::string release_json(const Provenance& p) {
  Fields fields = {{"target", p.target},
                   {"member", p.member},
                   {"release", p.release},
                   {"deployment", p.deployment},
                   {"project", p.project},
                   {"repo_url", p.repo_url},
                   {"commit", p.commit},
                   {"image", p.image},
                   {"digest", p.digest},
                   {"data_uri", p.data_uri},
                   {"data_sha256", p.data_sha256},
                   {"data_version", p.data_version},
                   {"pipeline", number(p.pipeline)}};
  drop_empty(fields);
  return write_line(fields) + "\n";
}

}  // namespace tidegate::release
