// The lints, one function each. They add what they find under the code that lint.cc gives them.
#pragma once

#include "pipeline/lints/subject.h"
#include "pipeline/lints/warnings.h"

namespace tidegate::pipeline::lints {

// image_lints.cc
void find_image_without_tag(Subject& subject, Warnings& out);
void find_image_latest(Subject& subject, Warnings& out);
void find_latest_before_test(Subject& subject, Warnings& out);
void find_push_without_login(Subject& subject, Warnings& out);
void find_image_of_other_job(Subject& subject, Warnings& out);
void find_dind_without_tls(Subject& subject, Warnings& out);

// dockerfile_lints.cc
void find_install_before_copy(Subject& subject, Warnings& out);
void find_pytest_not_there(Subject& subject, Warnings& out);

// shell_lints.cc
void find_folded_heredoc(Subject& subject, Warnings& out);
void find_key_file_on_no_runner(Subject& subject, Warnings& out);
void find_upgrade_in_place(Subject& subject, Warnings& out);
void find_download_into_shell(Subject& subject, Warnings& out);
void find_apt_without_yes(Subject& subject, Warnings& out);
void find_test_failure_ignored(Subject& subject, Warnings& out);
void find_variable_lost_after_script(Subject& subject, Warnings& out);

// secret_lints.cc
void find_secret_printed(Subject& subject, Warnings& out);
void find_secret_in_arguments(Subject& subject, Warnings& out);
void find_environment_printed(Subject& subject, Warnings& out);
void find_host_not_verified(Subject& subject, Warnings& out);

// rules_lints.cc
void find_job_never_created(Subject& subject, Warnings& out);
void find_rule_never_matches(Subject& subject, Warnings& out);
void find_constant_condition(Subject& subject, Warnings& out);
void find_need_not_there(Subject& subject, Warnings& out);
void find_duplicate_pipelines(Subject& subject, Warnings& out);
void find_changes_always_true(Subject& subject, Warnings& out);
void find_glob_never_matches(Subject& subject, Warnings& out);
void find_only_with_rules(Subject& subject, Warnings& out);

// output_lints.cc
void find_artifact_not_made(Subject& subject, Warnings& out);
void find_artifact_outside(Subject& subject, Warnings& out);
void find_dependency_without_artifacts(Subject& subject, Warnings& out);
void find_need_may_fail(Subject& subject, Warnings& out);
void find_cache_never_hits(Subject& subject, Warnings& out);
void find_cache_without_paths(Subject& subject, Warnings& out);
void find_cache_outside(Subject& subject, Warnings& out);
void find_cache_not_filled(Subject& subject, Warnings& out);

// deploy_lints.cc
void find_manual_blocks(Subject& subject, Warnings& out);
void find_deploy_interruptible(Subject& subject, Warnings& out);
void find_deploy_retried(Subject& subject, Warnings& out);
void find_deploy_not_alone(Subject& subject, Warnings& out);
void find_review_never_stops(Subject& subject, Warnings& out);

// release_lints.cc
void find_deploy_before_test(Subject& subject, Warnings& out);
void find_deploy_despite_failure(Subject& subject, Warnings& out);
void find_deploy_untested(Subject& subject, Warnings& out);
void find_publish_from_any_branch(Subject& subject, Warnings& out);
void find_nothing_to_fail(Subject& subject, Warnings& out);

// text_lints.cc
void find_scalar_altered(Subject& subject, Warnings& out);
void find_unused_hidden_job(Subject& subject, Warnings& out);
void find_unused_anchor(Subject& subject, Warnings& out);

}  // namespace tidegate::pipeline::lints
