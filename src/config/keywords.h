// Every keyword that GitLab knows, as data: which hashes may hold it, and what we do with it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tidegate::config {

enum class Support : std::uint8_t {
  kRead,     ///< understood
  kWarning,  ///< known, has no effect here; the same jobs run as on GitLab
  kError,    ///< known; without it other things would run than on GitLab, so the configuration is refused
};

struct Keyword {
  std::string_view name;
  Support support = Support::kRead;
  std::string_view hint = {};
};

using Keywords = std::span<const Keyword>;

Keywords root_keywords();
Keywords default_keywords();
Keywords job_keywords();
Keywords bridge_keywords();  ///< of jobs with `trigger`, or with `needs:pipeline` alone
Keywords trigger_keywords();
Keywords trigger_include_keywords();
Keywords trigger_forward_keywords();
Keywords workflow_keywords();
Keywords rule_keywords();
Keywords workflow_rule_keywords();
Keywords include_keywords();
Keywords include_rule_keywords();
Keywords header_keywords();  ///< of the document before `---`
Keywords spec_keywords();
Keywords spec_include_keywords();
Keywords spec_input_keywords();
Keywords spec_input_rule_keywords();
Keywords variable_keywords();      ///< global
Keywords job_variable_keywords();  ///< in jobs and rules
Keywords image_keywords();
Keywords image_docker_keywords();
Keywords service_keywords();
Keywords need_keywords();
Keywords parallel_keywords();
Keywords auto_cancel_keywords();
Keywords artifacts_keywords();
Keywords report_keywords();
Keywords coverage_report_keywords();
Keywords cache_keywords();
Keywords cache_key_keywords();
Keywords retry_keywords();
Keywords retry_reasons();
Keywords environment_keywords();
Keywords policy_keywords();  ///< only, except
Keywords inherit_keywords();
Keywords changes_keywords();
Keywords exists_keywords();
Keywords allow_failure_keywords();
Keywords release_keywords();
Keywords release_assets_keywords();
Keywords release_link_keywords();
Keywords pages_keywords();
Keywords id_token_keywords();
Keywords secret_keywords();
Keywords vault_secret_keywords();
Keywords vault_engine_keywords();
Keywords versioned_secret_keywords();  ///< azure_key_vault, gcp_secret_manager
Keywords aws_secret_keywords();
Keywords gitlab_secret_keywords();
Keywords hooks_keywords();
Keywords run_step_keywords();
Keywords dast_keywords();
Keywords job_input_keywords();

/// Null when the table does not have it.
const Keyword* find_keyword(Keywords table, std::string_view name);

}  // namespace tidegate::config
