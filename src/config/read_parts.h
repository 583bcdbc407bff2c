// Readers of the parts that jobs, `default` and rules share: tree to plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "config/definition.h"
#include "config/value.h"

namespace tidegate::config {

/// For durations that GitLab does not limit.
inline constexpr Seconds kNoLimit{1'000'000'000'000};

/// Which forms a variable may take, by where it stands.
enum class VariableForm : std::uint8_t {
  kScalar,  ///< rules and services: a plain value
  kJob,     ///< also {value, expand}
  kGlobal,  ///< also description and options
};
/// `variables:`
Variables read_variables(const Value& value, VariableForm form);

std::optional<Image> read_image(const Value& value);
std::vector<Service> read_services(const Value& value);
std::optional<Artifacts> read_artifacts(const Value& value);
std::vector<Cache> read_caches(const Value& value);
std::optional<Retry> read_retry(const Value& value);
std::optional<Environment> read_environment(const Value& value);
/// `needs:` of a job or of a rule: a list (nested ones are flattened), or one hash.
std::optional<std::vector<Need>> read_needs(const Value& value);
/// `parallel:`. `counts`: whether a number may stand there, not only a matrix.
std::optional<Parallel> read_parallel(const Value& value, bool counts);
/// `auto_cancel:` of the workflow or of one of its rules.
AutoCancel read_auto_cancel(const Value& value);
std::optional<AllowFailure> read_allow_failure(const Value& value);
/// `when:` of artifacts and caches.
ArtifactsWhen read_upload_when(const Value& value);
std::optional<Release> read_release(const Value& value);
/// `pages:`; the folder to publish, empty for `pages: false`.
std::string read_pages(const Value& value);
std::vector<IdToken> read_id_tokens(const Value& value);
std::vector<SecretRequest> read_secrets(const Value& value);
std::vector<JobInput> read_inputs(const Value& value);
/// `hooks:`; its pre_get_sources_script.
std::vector<std::string> read_hooks(const Value& value);
std::vector<RunStep> read_run(const Value& value);
void check_identity(const Value& value);
void check_dast(const Value& value);

/// True when the text has only ASCII letters, digits, and what `more` lists.
bool only_of(std::string_view text, std::string_view more);

/// The entry of a bridge's `needs` that names a pipeline: `upstream`. Refuses it in other jobs.
void read_pipeline_needs(const Value& value, Job& job, bool bridge);
/// Rules may change only which jobs of the same pipeline are needed.
void refuse_pipeline_needs(const Value& value);

/// The job starts or follows another pipeline, so other keywords are allowed in it.
bool is_bridge(const Value& job);
/// Reports keywords that a bridge may not have, and forms of keywords that only jobs with a script know.
void check_bridge(const Value& job);
std::optional<Trigger> read_trigger(const Value& value);

/// `rules:` of a job.
std::optional<std::vector<Rule>> read_rules(const Value& value);
/// `workflow:rules`: when is always or never.
std::optional<std::vector<Rule>> read_workflow_rules(const Value& value);
/// `include:rules`: if, changes, exists; when is always or never. Nothing when anything was found in them.
std::optional<std::vector<Rule>> read_include_rules(const Value& value);
/// `only:` or `except:`.
std::optional<RefFilter> read_policy(const Value& value);

std::optional<When> when_of(std::string_view word);

}  // namespace tidegate::config
