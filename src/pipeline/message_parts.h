// Inside the compiler: the parts of the job message that have files of their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/draft.h"
#include "pipeline/variables.h"

namespace tidegate::pipeline {

/// Puts known values into texts that the runner expands once more.
class Expander {
 public:
  explicit Expander(const VariableIndex& variables) : variables_(variables) {}
  std::string operator()(const std::string& text) const {
    return has_reference(text) ? expand_for_runner(text, variables_) : text;
  }
  std::vector<std::string> operator()(const std::vector<std::string>& texts) const {
    std::vector<std::string> out;
    out.reserve(texts.size());
    for (const auto& text : texts) out.push_back((*this)(text));
    return out;
  }

 private:
  const VariableIndex& variables_;
};

/// on_success, on_failure, always
std::string_view to_word(config::ArtifactsWhen when);

/// Archive and reports. A `pages` job's folder is part of the archive, as on GitLab.
std::vector<JobArtifacts> build_artifacts(const config::Job& job, const Expander& expand);

std::vector<JobCache> build_caches(const config::Job& job, const Context& context, const Expander& expand);

/// The script, from `script:` or `run:`, and the after_script.
std::vector<JobStep> build_steps(const config::Job& job, Seconds timeout);

/// hooks, secrets, release.
void build_services(const config::Job& job, const Context& context, const Expander& expand,
                    JobMessage& message);

JobOptions build_options(const config::Job& job, const Expander& expand);

}  // namespace tidegate::pipeline
