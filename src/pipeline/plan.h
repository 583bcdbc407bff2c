// Plan: which jobs a pipeline has, and why the others are not there. A function of a Definition and a
// Context.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rare.h"
#include "config/definition.h"
#include "pipeline/bridge.h"
#include "pipeline/job_message.h"
#include "pipeline/job_options.h"

namespace tidegate::pipeline {

/// What is known of the commit: the variables CI_COMMIT_MESSAGE, _TITLE, _DESCRIPTION, _AUTHOR, _TIMESTAMP
/// and _TAG_MESSAGE. An empty member gives no variable.
struct Commit {
  std::string message;
  std::string author;       ///< Name <address>
  std::string timestamp;    ///< ISO 8601
  std::string tag_message;  ///< of an annotated tag
};

/// What a pipeline is created for.
struct Context {
  std::string ref = "main";
  bool is_tag = false;
  std::string default_branch = "main";
  std::string source = "push";  ///< CI_PIPELINE_SOURCE: push, web, api, trigger, schedule, …
  std::string sha;
  std::string before_sha;
  Commit commit;
  std::string config_path = ".gitlab-ci.yml";  ///< CI_CONFIG_PATH
  /// Predefined variables that the caller knows (project, pipeline, registry, server…): lowest precedence.
  /// Those that follow from the members above (CI_COMMIT_*, CI_PIPELINE_SOURCE, …) are added by compile().
  JobVariables predefined;
  JobVariables project;   ///< project (group, instance) variables, weakest first
  JobVariables pipeline;  ///< trigger, schedule, manual: strongest
  /// Paths changed against the base; nothing: there is no base to compare with, and `changes` is true.
  std::optional<std::vector<std::string>> changed;
  /// Changed paths against another ref (rules:changes:compare_to); nothing: no such ref.
  std::function<std::optional<std::vector<std::string>>(const std::string& ref)> changed_against;
  /// All paths of the tree, for rules:exists. May be empty.
  std::function<std::vector<std::string>()> tree;
  /// The same of another project at a ref (empty: its default branch), for rules:exists:project. May be
  /// empty: then there are no others. An error refuses the pipeline.
  std::function<Result<std::vector<std::string>>(const std::string& project, const std::string& ref)> tree_of;
  /// cache:key:files and files_commits: a word for the content of these files (paths or globs), or for the
  /// last commits that touched them; may be empty, then and when there is no such file the word is "default".
  std::function<std::optional<std::string>(const std::vector<std::string>& files)> files_key;
  std::function<std::optional<std::string>(const std::vector<std::string>& files)> commits_key;
  /// Whether the ref is protected: then caches get a suffix that keeps protected and other refs apart, and
  /// secrets go to protected refs only. Nothing: there is no such distinction (a run without a server).
  std::optional<bool> ref_protected;
  Seconds default_timeout{3600};
};

struct PlannedNeed {
  std::string job;
  bool artifacts = true;
  bool optional = false;
};

/// One job, created or not: of the file, or one of the instances that `parallel` makes of it.
struct PlannedJob {
  std::string name;     ///< of a parallel job's instance: "rspec 1/3", "rspec: [a, b]"
  std::string written;  ///< its name in the file
  std::string stage;
  bool created = false;
  std::string reason;  ///< why it is (not) created: the rule and the values that decided
  config::When when = config::When::kOnSuccess;
  std::optional<Seconds> start_in;
  config::AllowFailure allow_failure;
  std::optional<std::vector<PlannedNeed>> needs;  ///< only those that are in the pipeline; nothing: by stage
  std::optional<std::vector<std::string>> dependencies;
  std::optional<config::Retry> retry;
  std::vector<std::string> tags;
  Rare<config::Environment> environment;  ///< expanded
  bool interruptible = false;
  std::string resource_group;
  JobOptions options;
  Rare<Bridge> bridge;  ///< it starts or follows a pipeline; then the message has no steps
  /// YAML-level variables of the job (global, workflow, job, rule), expanded, in file order: what `list
  /// --json` shows. A name that a project or pipeline variable overrides has the overriding value here.
  JobVariables yaml_variables;
  /// What the runner gets: all variables in order of precedence, expanded; steps, image, … The caller fills
  /// in id, token, pipeline_id, git.repo_url, credentials, dependencies' ids, data, and variables that need
  /// them (CI_JOB_ID…). References to names that are not known here, `$$`, and references to raw and file
  /// variables stay as written: the runner expands once more, as GitLab's does. In `dependencies`,
  /// has_artifacts says whether that job declares an archive.
  JobMessage message;
  config::Place place;
};

/// The workflow's `auto_cancel`, with GitLab's defaults.
struct AutoCancelPlan {
  config::OnNewCommit on_new_commit = config::OnNewCommit::kConservative;
  config::OnJobFailure on_job_failure = config::OnJobFailure::kNone;
};

struct Plan {
  bool created = false;
  std::string reason;  ///< why there is no pipeline, when there is none
  std::string name;    ///< workflow:name, expanded
  AutoCancelPlan auto_cancel;
  std::vector<std::string> stages;  ///< those that have jobs
  std::vector<PlannedJob> jobs;     ///< GitLab's order: by stage, then by the file; the ones not created too
  config::Diagnostics diagnostics;  ///< errors mean: refused (created is false)
};

/// How much of each job a plan holds.
enum class Detail : std::uint8_t {
  kMessages,  ///< all: the jobs can be run
  kOutline,   ///< what list and graph show; of the messages only `image` and `elsewhere`
};

/// Evaluates workflow, rules, only/except and needs, expands variables, and builds each job's message. Pure.
/// The definition is one that config::load() gave without errors. Refusals (an `if` that does not parse, a
/// need that is not in the pipeline, a compare_to that is no ref, a cycle of variables or needs) are
/// diagnostics, the same for every detail. Time is linear in the size of the definition and of the plan.
Plan compile(const config::Definition& definition, const Context& context, Detail detail = Detail::kMessages);

/// What compile() refuses in any context: expressions, ref patterns and globs that are not well formed. For
/// lint. Codes: invalid-expression, invalid-pattern, invalid-glob.
config::Diagnostics check_rules(const config::Definition& definition);

}  // namespace tidegate::pipeline
