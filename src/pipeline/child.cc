#include "pipeline/child.h"

#include <utility>

#include <fmt/format.h>

#include "pipeline/include_scope.h"

namespace tidegate::pipeline {
namespace {

/// The name of the text that holds nothing but the includes; no file of a repository is called so.
constexpr const char* kRoot = "trigger:include";

void point_at(const config::Place& bridge, config::Diagnostics& diagnostics) {
  for (config::Diagnostic& found : diagnostics) {
    if (found.place.file == kRoot) found.place = bridge;
  }
}

}  // namespace

Context child_context(const Context& parent, JobVariables variables) {
  Context context = parent;
  context.source = "parent_pipeline";
  context.pipeline = std::move(variables);
  return context;
}

Plan plan_child(const Bridge& bridge, const Context& context, config::Sources sources) {
  sources.scope = include_scope(context);
  sources.inputs.clear();  // those of the parent; the child's stand beside its includes
  config::Loaded loaded = config::load(bridge.include, kRoot, sources);
  point_at(bridge.place, loaded.diagnostics);
  Plan plan;
  if (loaded.definition) plan = compile(*loaded.definition, context);
  point_at(bridge.place, plan.diagnostics);
  plan.diagnostics.insert(plan.diagnostics.begin(), loaded.diagnostics.begin(), loaded.diagnostics.end());
  if (!loaded.definition) plan.reason = "The configuration is refused.";
  return plan;
}

std::string refusal_of(const Plan& plan) {
  for (const config::Diagnostic& found : plan.diagnostics) {
    if (found.severity != config::Severity::kError) continue;
    return fmt::format("{}:{}: {}", found.place.file, found.place.line, found.message);
  }
  return plan.reason;
}

}  // namespace tidegate::pipeline
