#include "app/server/id_token_claims.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/sha256.h"
#include "pipeline/predefined.h"
#include "pipeline/variables.h"

namespace tidegate::app {
namespace {

constexpr Seconds kShortestLife{300};

std::string number(std::int64_t value) {
  return fmt::format("{}", value);
}

std::string ref_type(const IdTokenSubject& subject) {
  if (subject.is_candidate) return "candidate";
  return subject.is_tag ? "tag" : "branch";
}

}  // namespace

IdTokenClaims claims_of(const IdTokenSubject& subject, const std::vector<std::string>& audiences,
                        std::string id) {
  const std::string type = ref_type(subject);
  const std::string& path = subject.project_path;
  IdTokenClaims out;
  out.issuer = subject.issuer;
  out.subject = fmt::format("project_path:{}:ref_type:{}:ref:{}", path, type, subject.ref);
  out.audiences = audiences;
  out.issued_at = subject.now;
  out.lifetime = std::max(subject.job_timeout, kShortestLife);
  out.id = std::move(id);
  const bool protected_ref = subject.ref_protected && !subject.is_candidate;
  out.others = {
      {"namespace_path", path.substr(0, path.rfind('/'))},
      {"project_id", number(subject.project)},
      {"project_path", path},
      {"pipeline_id", number(subject.pipeline)},
      {"pipeline_source", subject.pipeline_source},
      {"job_id", number(subject.job)},
      {"ref", subject.ref},
      {"ref_type", type},
      {"ref_path", (subject.is_tag ? "refs/tags/" : "refs/heads/") + subject.ref},
      {"ref_protected", protected_ref ? "true" : "false"},
      {"runner_environment", "self-hosted"},
      {"sha", subject.sha},
      {"project_visibility", "private"},
  };
  if (const auto& environment = subject.environment; environment && !environment->name.empty()) {
    out.others.emplace_back("environment", environment->name);
    out.others.emplace_back("environment_protected", "false");
    out.others.emplace_back("deployment_tier", environment->deployment_tier.empty()
                                                   ? pipeline::environment_tier(environment->name)
                                                   : environment->deployment_tier);
    out.others.emplace_back("environment_action",
                            environment->action.empty() ? "start" : environment->action);
  }
  return out;
}

Status append_id_tokens(IdTokenIssuer& issuer, const IdTokenSubject& subject,
                        const std::vector<config::IdToken>& tokens, pipeline::JobVariables& variables) {
  for (const config::IdToken& token : tokens) {
    std::vector<std::string> audiences;
    const pipeline::VariableIndex index(variables);
    for (const std::string& audience : token.audiences)
      audiences.push_back(pipeline::expand_text(audience, index, pipeline::Undefined::kBlank));
    TG_TRY(std::string value, issuer.issue(claims_of(subject, audiences, random_hex(16))));
    variables.push_back({.key = token.name,
                         .value = std::move(value),
                         .is_public = false,
                         .masked = true,
                         .file = false,
                         .raw = true});
  }
  return {};
}

}  // namespace tidegate::app
