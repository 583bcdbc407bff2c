// Definition: a pipeline file after include, merge, extends, !reference and default, before any rule is
// evaluated. Plain values; nothing here knows YAML. Terms are GitLab's (docs.gitlab.com/ci/yaml).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rare.h"
#include "base/time.h"
#include "config/diagnostic.h"

namespace tidegate::config {

/// One variable as written. The YAML type is lost, as on GitLab (1.10 is "1.1").
struct Variable {
  std::string key;
  std::string value;
  bool expand = true;  ///< false: `expand: false`, a raw value
  std::string description;
  std::vector<std::string> options;

  friend bool operator==(const Variable&, const Variable&) = default;
};
/// In the order of the file; keys are unique.
using Variables = std::vector<Variable>;

enum class When : std::uint8_t { kOnSuccess, kOnFailure, kAlways, kManual, kDelayed, kNever };

/// allow_failure: false, true, or only for these exit codes (then `value` is false).
struct AllowFailure {
  bool value = false;
  std::vector<int> exit_codes;

  friend bool operator==(const AllowFailure&, const AllowFailure&) = default;
};

/// `changes:` and `exists:` of a rule: globs, joined by OR.
struct PathMatch {
  std::vector<std::string> paths;
  // Variables are not yet expanded.
  std::optional<std::string> compare_to;  ///< changes only
  std::string project;                    ///< exists only: whose files; empty: the pipeline's own commit
  std::string ref;                        ///< of `project`; empty: the head of its default branch

  friend bool operator==(const PathMatch&, const PathMatch&) = default;
};

/// One key of a row of `parallel:matrix`, and its values as text.
struct MatrixAxis {
  std::string key;
  std::vector<std::string> values;

  friend bool operator==(const MatrixAxis&, const MatrixAxis&) = default;
};
using MatrixRow = std::vector<MatrixAxis>;

/// `parallel:`: one job becomes several (config/instances.h).
struct Parallel {
  int count = 0;                  ///< `parallel: N`; 0: the matrix says
  std::vector<MatrixRow> matrix;  ///< each row: every combination of its values

  friend bool operator==(const Parallel&, const Parallel&) = default;
};

/// `needs:` entry. With `pipeline` or `project` it is a job elsewhere, whose artifacts are wanted.
struct Need {
  std::string job;
  bool artifacts = true;
  bool optional = false;
  std::optional<Parallel> parallel;  ///< needs:parallel:matrix: these instances only
  std::string pipeline;              ///< id of another pipeline of the project, variables not yet expanded
  std::string project;               ///< path of a project, variables not yet expanded
  std::string ref;                   ///< with `project`
  Place place;

  bool elsewhere() const { return !pipeline.empty() || !project.empty(); }
  friend bool operator==(const Need&, const Need&) = default;
};

enum class OnNewCommit : std::uint8_t { kConservative, kInterruptible, kNone };
enum class OnJobFailure : std::uint8_t { kNone, kAll };

/// `auto_cancel:` of the workflow or of one of its rules. Absent members were not written.
struct AutoCancel {
  std::optional<OnNewCommit> on_new_commit;
  std::optional<OnJobFailure> on_job_failure;

  friend bool operator==(const AutoCancel&, const AutoCancel&) = default;
};

/// One entry of `rules:`; clauses are joined by AND. Absent members were not written.
struct Rule {
  std::optional<std::string> if_expression;
  std::optional<PathMatch> changes;
  std::optional<PathMatch> exists;
  std::optional<When> when;
  std::optional<Seconds> start_in;
  std::optional<AllowFailure> allow_failure;
  Variables variables;
  std::optional<std::vector<Need>> needs;
  std::optional<bool> interruptible;
  AutoCancel auto_cancel;  ///< workflow:rules only
  Place place;
};

/// Old style `only:` / `except:`; members absent when not written.
struct RefFilter {
  std::optional<std::vector<std::string>> refs;
  std::vector<std::string> variables;  ///< rules:if expressions, joined by OR
  std::vector<std::string> changes;
  bool kubernetes = false;
  Place place;
};

struct Image {
  std::string name;
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<std::string> pull_policy;  ///< always, if-not-present, never; tried in order
  std::string platform;                  ///< docker:platform
  std::string user;                      ///< docker:user
};

struct Service {
  Image image;
  std::vector<std::string> aliases;
  std::optional<std::vector<std::string>> command;
  Variables variables;
};

struct Reports {
  std::vector<std::string> junit;
  std::vector<std::string> dotenv;
  /// Every other report type with its paths, stored and not interpreted ("coverage_report", "sast", …).
  std::map<std::string, std::vector<std::string>> other;
};

enum class ArtifactsWhen : std::uint8_t { kOnSuccess, kOnFailure, kAlways };

struct Artifacts {
  std::vector<std::string> paths;
  std::vector<std::string> exclude;
  bool untracked = false;
  std::string name;  ///< empty: "artifacts"
  ArtifactsWhen when = ArtifactsWhen::kOnSuccess;
  std::optional<Seconds> expire_in;  ///< nothing: the server's default
  bool never_expires = false;
  std::string expose_as;
  bool is_public = true;  ///< `public: false`: not for people outside the project
  std::string access;     ///< all, developer, maintainer, none; empty: by `public`
  Reports reports;
};

struct Cache {
  std::string key;                             ///< empty: "default"
  std::vector<std::string> key_files;          ///< the key follows their content
  std::vector<std::string> key_files_commits;  ///< the key follows the last commits that touched them
  std::string key_prefix;
  std::vector<std::string> paths;
  bool untracked = false;
  std::string policy;  ///< empty: pull-push
  ArtifactsWhen when = ArtifactsWhen::kOnSuccess;
  std::vector<std::string> fallback_keys;
  bool unprotect = false;  ///< shared between protected and other branches
};

struct Retry {
  int max = 0;
  std::vector<std::string> when;  ///< empty: always
  std::vector<int> exit_codes;
};

struct Environment {
  std::string name;
  std::string url;
  std::string on_stop;
  std::string action;        ///< empty: start
  std::string auto_stop_in;  ///< a duration in words, checked; "never"; or with variables; empty: not written
  std::string deployment_tier;
};

/// `release:` (GitLab CI/CD YAML reference, release).
struct ReleaseLink {
  std::string name;
  std::string url;
  std::string filepath;
  std::string type;  ///< other, runbook, image, package; empty: other

  friend bool operator==(const ReleaseLink&, const ReleaseLink&) = default;
};
struct Release {
  std::string tag_name;
  std::string tag_message;  ///< empty: a lightweight tag
  std::string name;         ///< empty: the tag's
  std::string description;  ///< text, or the path of a file in the project
  std::string ref;          ///< what the tag is made at; empty: the job's commit
  std::vector<std::string> milestones;
  std::string released_at;  ///< ISO 8601, or with variables; empty: now
  std::vector<ReleaseLink> links;

  friend bool operator==(const Release&, const Release&) = default;
};

/// `id_tokens:`: a variable that holds a signed JWT for these audiences.
struct IdToken {
  std::string name;
  std::vector<std::string> audiences;

  friend bool operator==(const IdToken&, const IdToken&) = default;
};

/// `secrets:`: a variable whose value comes from a secret store.
struct SecretRequest {
  std::string name;
  std::string provider;  ///< vault, azure_key_vault, …
  bool file = true;      ///< the variable holds a path

  friend bool operator==(const SecretRequest&, const SecretRequest&) = default;
};

/// `run:`: a step of its own shell.
struct RunStep {
  std::string name;
  std::string script;
  Variables env;
};

/// `inputs:` of a job; what scripts call `${{ job.inputs.NAME }}`.
struct JobInput {
  std::string name;
  std::string value;  ///< the default; arrays as JSON
  std::string regex;  ///< RE2 that a string must match; empty: any
};

/// `inherit:variables` (and `inherit:default` is already applied).
struct InheritVariables {
  bool all = true;
  std::vector<std::string> only;  ///< when not all: these (empty: none)
};

/// Whether a bridge waits for the pipeline that it starts, and what it takes from that one's status.
enum class TriggerStrategy : std::uint8_t {
  kNone,    ///< it is done as soon as the pipeline is created
  kDepend,  ///< `running` until the pipeline ends, then success, failed or canceled
  kMirror,  ///< the pipeline's very status, also `manual` and `skipped`
};

/// `trigger:` makes a job a bridge: instead of running a script it starts another pipeline. Variables in the
/// texts are not expanded. Source: GitLab CI/CD YAML reference, trigger.
struct Trigger {
  std::string project;  ///< group/name; empty: a child pipeline of the same commit
  std::string branch;   ///< of `project`; empty: its default branch
  std::string include;  ///< of a child: its whole configuration as YAML, {include: …}
  std::string inputs;   ///< of `project`: YAML of a map; empty: none
  TriggerStrategy strategy = TriggerStrategy::kNone;
  bool forward_yaml_variables = true;
  bool forward_pipeline_variables = false;
  Place place;
};

/// One job, hidden jobs excluded. Absent optionals were not written (nor inherited).
struct Job {
  std::string name;
  std::string stage = "test";
  Place place;

  std::vector<std::string> before_script;
  std::vector<std::string> script;
  std::vector<std::string> after_script;
  std::vector<Place> before_script_places;  ///< of each line; empty when there are very many lines
  std::vector<Place> script_places;         ///< likewise

  Rare<Image> image;
  std::vector<Service> services;
  std::vector<std::string> tags;
  Variables variables;  ///< the job's own
  InheritVariables inherit_variables;

  std::optional<std::vector<Rule>> rules;
  Rare<RefFilter> only;
  Rare<RefFilter> except;
  When when = When::kOnSuccess;
  bool when_written = false;
  std::optional<Seconds> start_in;
  std::optional<AllowFailure> allow_failure;

  std::optional<std::vector<Need>> needs;
  std::optional<std::vector<std::string>> dependencies;
  Rare<Artifacts> artifacts;
  std::vector<Cache> cache;

  std::optional<Parallel> parallel;
  std::optional<Retry> retry;
  std::optional<Seconds> timeout;
  std::optional<bool> interruptible;
  Rare<Environment> environment;
  std::string resource_group;
  std::string coverage;  ///< between slashes

  std::vector<std::string> pre_get_sources_script;  ///< `hooks:`
  std::vector<IdToken> id_tokens;
  std::vector<SecretRequest> secrets;
  Rare<Release> release;
  std::string publish;  ///< `pages`: the folder that becomes the site; empty: no pages job
  std::string manual_confirmation;
  std::vector<RunStep> run;  ///< in place of the scripts
  std::vector<JobInput> inputs;

  Rare<Trigger> trigger;
  std::string upstream;  ///< `needs:pipeline` alone: a project whose latest pipeline this job mirrors

  /// It starts or follows another pipeline, and no runner ever sees it.
  bool is_bridge() const { return trigger || !upstream.empty(); }
};

struct Workflow {
  std::optional<std::vector<Rule>> rules;
  std::string name;
  AutoCancel auto_cancel;
  Place place;
};

/// The whole configuration.
struct Definition {
  std::vector<std::string> stages;  ///< with .pre first and .post last
  Variables variables;              ///< global
  Workflow workflow;
  std::vector<Job> jobs;  ///< in the order of the merged file
};

}  // namespace tidegate::config
