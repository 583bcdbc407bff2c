#include "app/graph/graph_rules.h"

namespace tidegate::app {

release::GraphRules graph_rules(const config::GraphChecks& checks) {
  release::GraphRules rules;
  if (checks.max_elements) rules.max_elements = static_cast<std::size_t>(*checks.max_elements);
  if (checks.grade_bands) rules.grade_bands = *checks.grade_bands;
  if (checks.subject) rules.subject = *checks.subject;
  if (checks.standard) rules.standard = *checks.standard;
  if (checks.embedding) rules.embedding = *checks.embedding;
  for (const auto& name : checks.skip) {
    const auto kind = release::problem_kind(name);
    if (kind && release::skippable(*kind)) rules.skip.insert(*kind);
  }
  return rules;
}

}  // namespace tidegate::app
