#include "pipeline/lints/lint.h"

#include <array>

#include "pipeline/lints/finders.h"

namespace tidegate::pipeline::lints {
namespace {

struct Lint {
  std::string_view code;
  void (*find)(Subject& subject, Warnings& out);
  bool whole = false;  ///< says nothing while parts of the configuration are not there
};

constexpr auto kLints = std::to_array<Lint>({
    {"image-without-tag", &find_image_without_tag},
    {"image-latest", &find_image_latest},
    {"latest-before-test", &find_latest_before_test},
    {"push-without-login", &find_push_without_login, true},
    {"image-of-other-job", &find_image_of_other_job},
    {"dind-without-tls", &find_dind_without_tls, true},
    {"install-before-copy", &find_install_before_copy},
    {"pytest-not-there", &find_pytest_not_there, true},
    {"folded-heredoc", &find_folded_heredoc},
    {"key-file-on-no-runner", &find_key_file_on_no_runner, true},
    {"upgrade-in-place", &find_upgrade_in_place},
    {"download-into-shell", &find_download_into_shell},
    {"apt-without-yes", &find_apt_without_yes},
    {"test-failure-ignored", &find_test_failure_ignored},
    {"variable-lost-after-script", &find_variable_lost_after_script, true},
    {"secret-printed", &find_secret_printed},
    {"secret-in-arguments", &find_secret_in_arguments},
    {"environment-printed", &find_environment_printed},
    {"host-not-verified", &find_host_not_verified},
    {"job-never-created", &find_job_never_created, true},
    {"rule-never-matches", &find_rule_never_matches, true},
    {"constant-condition", &find_constant_condition},
    {"need-not-there", &find_need_not_there, true},
    {"duplicate-pipelines", &find_duplicate_pipelines, true},
    {"changes-always-true", &find_changes_always_true, true},
    {"glob-never-matches", &find_glob_never_matches},
    {"only-with-rules", &find_only_with_rules, true},
    {"artifact-not-made", &find_artifact_not_made, true},
    {"artifact-outside", &find_artifact_outside},
    {"dependency-without-artifacts", &find_dependency_without_artifacts, true},
    {"need-may-fail", &find_need_may_fail},
    {"cache-never-hits", &find_cache_never_hits, true},
    {"cache-without-paths", &find_cache_without_paths, true},
    {"cache-outside", &find_cache_outside},
    {"cache-not-filled", &find_cache_not_filled, true},
    {"manual-blocks", &find_manual_blocks, true},
    {"deploy-interruptible", &find_deploy_interruptible},
    {"deploy-retried", &find_deploy_retried},
    {"deploy-not-alone", &find_deploy_not_alone, true},
    {"review-never-stops", &find_review_never_stops, true},
    {"deploy-before-test", &find_deploy_before_test, true},
    {"deploy-despite-failure", &find_deploy_despite_failure, true},
    {"deploy-untested", &find_deploy_untested, true},
    {"publish-from-any-branch", &find_publish_from_any_branch, true},
    {"nothing-to-fail", &find_nothing_to_fail, true},
    {"scalar-altered", &find_scalar_altered},
    {"unused-hidden-job", &find_unused_hidden_job, true},
    {"unused-anchor", &find_unused_anchor},
});

}  // namespace

std::vector<std::string> lint_codes() {
  std::vector<std::string> codes;
  for (const Lint& lint : kLints) codes.emplace_back(lint.code);
  return codes;
}

config::Diagnostics lint(const config::Loaded& loaded, const config::Sources& sources) {
  const config::Definition* definition = loaded.readable();
  if (definition == nullptr) return {};
  Subject subject(*definition, loaded.origins, sources);
  Warnings out;
  for (const Lint& lint : kLints) {
    if (lint.whole && loaded.origins.incomplete) continue;
    out.begin(lint.code);
    lint.find(subject, out);
  }
  config::Diagnostics found = out.take();
  config::trace(found, loaded.origins);
  return found;
}

}  // namespace tidegate::pipeline::lints
