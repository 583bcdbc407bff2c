#include "main/local_context.h"

#include <algorithm>
#include <cstdlib>
#include <future>

#include <fmt/core.h>

#include "app/local/env_file.h"
#include "app/local/include_sources.h"
#include "base/text.h"
#include "pipeline/include_scope.h"
#include "pipeline/rules.h"
#include "pipeline/variables.h"
#include "sys/file.h"

namespace tidegate::main {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestVariables = 1U << 20U;

Result<pipeline::JobVariable> plain_variable(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (!app::is_variable_name(key))
    return fail(Errc::kInvalid, fmt::format("--var takes KEY=VALUE or KEY, not {}", printable(text)));
  if (equals != std::string::npos) return pipeline::JobVariable{.key = key, .value = text.substr(equals + 1)};
  const char* value = std::getenv(key.c_str());
  if (value == nullptr)
    return fail(Errc::kInvalid, fmt::format("--var {0}: {0} is not set in the environment", key));
  return pipeline::JobVariable{.key = key, .value = value, .raw = true};
}

Result<pipeline::JobVariable> file_variable(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (equals == std::string::npos || !app::is_variable_name(key))
    return fail(Errc::kInvalid, fmt::format("--var-file takes KEY=FILE, not {}", printable(text)));
  TG_TRY(std::string content, sys::read_file(text.substr(equals + 1), kLargestVariables));
  return pipeline::JobVariable{
      .key = key, .value = std::move(content), .is_public = false, .file = true, .raw = true};
}

void set(pipeline::JobVariables& variables, pipeline::JobVariable variable) {
  std::erase_if(variables, [&](const auto& other) { return other.key == variable.key; });
  variables.push_back(std::move(variable));
}

Result<config::GivenInputs> inputs_of(const LocalOptions& options) {
  config::GivenInputs inputs;
  for (const std::string& text : options.inputs) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::kInvalid, fmt::format("--input takes KEY=VALUE, not {}", printable(text)));
    std::erase_if(inputs, [&](const auto& other) { return other.name == text.substr(0, equals); });
    inputs.push_back(config::text_input(text.substr(0, equals), text.substr(equals + 1)));
  }
  return inputs;
}

Result<config::Sources> sources_here(const LocalOptions& options, const app::WorkingCopy& copy,
                                     const pipeline::Context& context) {
  app::IncludeSettings settings;
  TG_TRY(settings.projects, app::parse_project_dirs(options.project_dirs));
  settings.templates = options.templates;
  const pipeline::VariableIndex predefined(context.predefined);
  const pipeline::JobVariable* path = predefined.find("CI_PROJECT_PATH");
  return app::include_sources(copy, path == nullptr ? std::string() : path->value, settings);
}

Result<pipeline::Context> context_without_changes(const LocalOptions& options, const app::WorkingCopy& copy) {
  pipeline::Context context = app::context_of(copy);
  context.is_tag = options.tag;
  if (!options.ref.empty()) context.ref = options.ref;
  if (!options.default_branch.empty()) context.default_branch = options.default_branch;
  context.source = options.source;
  TG_TRY(context.pipeline, variables_of(options));
  context.changed.reset();
  TG_TRY(const config::Sources sources, sources_here(options, copy, context));
  context.tree_of = config::tree_of(sources);
  return context;
}

Status add_changes(const LocalOptions& options, const app::WorkingCopy& copy, pipeline::Context& context) {
  if (!options.changed.empty()) {
    context.changed = options.changed;
  } else if (!options.changed_unknown) {
    TG_TRY(context.changed, app::changed_paths(copy));
  }
  return {};
}

// Git is asked for changes only when include:rules need them.
config::IncludeScope lazy_scope(const LocalOptions& options, const app::WorkingCopy& copy,
                                pipeline::Context& context) {
  config::IncludeScope scope = pipeline::include_scope(context);
  scope.holds = [&options, &copy, &context, asked = false, holds = std::move(scope.holds)](
                    const std::vector<config::Rule>& rules,
                    const config::Repository& where) mutable -> Result<bool> {
    if (!asked) TG_CHECK(add_changes(options, copy, context));
    asked = true;
    return holds(rules, where);
  };
  return scope;
}

Result<config::Unloaded> read_configuration(const LocalOptions& options) {
  const fs::path path = fs::path(options.directory) / options.file;  // an absolute one stays as it is
  const auto text = sys::read_file(path, 16U << 20U);
  if (!text && text.error().code == Errc::kNotFound) {
    return fail(Errc::kNotFound,
                fs::absolute(path).string() +
                    " is not there; -C names the project's folder, --file the configuration in it");
  }
  if (!text) return text.error();
  return config::Unloaded(*text, options.file);
}

}  // namespace

Result<config::Sources> include_sources_of(const LocalOptions& options, const app::WorkingCopy& copy,
                                           const pipeline::Context& context) {
  TG_TRY(config::Sources sources, sources_here(options, copy, context));
  sources.remote = options.remote;
  TG_TRY(sources.inputs, inputs_of(options));
  return sources;
}

Result<pipeline::JobVariables> variables_of(const LocalOptions& options) {
  pipeline::JobVariables out;
  for (const std::string& file : options.env_files) {
    TG_TRY(const std::string text, sys::read_file(file, kLargestVariables));
    TG_TRY(auto variables, app::parse_env_file(text, file));
    for (auto& variable : variables) set(out, std::move(variable));
  }
  for (const std::string& text : options.file_variables) {
    TG_TRY(auto variable, file_variable(text));
    set(out, std::move(variable));
  }
  for (const std::string& text : options.variables) {
    TG_TRY(auto variable, plain_variable(text));
    set(out, std::move(variable));
  }
  for (const std::string& key : options.masked) {
    const auto found = std::ranges::find(out, key, &pipeline::JobVariable::key);
    if (found == out.end()) {
      return fail(Errc::kInvalid,
                  fmt::format("--mask {}: no --var, --var-file or --env-file gives it", printable(key)));
    }
    found->masked = true;
  }
  return out;
}

Status open_project(const LocalOptions& options, LocalProject& project) {
  // Git answers while the text is read, and understood where that takes nothing else.
  auto opened = std::async(std::launch::async, app::open_working_copy, options.directory);
  auto text = read_configuration(options);
  if (text && text->stands_alone() && options.inputs.empty() && options.project_dirs.empty()) {
    project.loaded = config::load(*std::move(text), {});
    TG_TRY(project.copy, opened.get());
    return {};
  }
  TG_TRY(project.copy, opened.get());
  if (!text) return text.error();
  TG_TRY(pipeline::Context context, context_without_changes(options, project.copy));
  TG_TRY(config::Sources sources, include_sources_of(options, project.copy, context));
  sources.scope = lazy_scope(options, project.copy, context);
  project.loaded = config::load(*std::move(text), sources);
  return {};
}

Result<pipeline::Context> context_of(const LocalOptions& options, const LocalProject& project) {
  TG_TRY(pipeline::Context context, context_without_changes(options, project.copy));
  const auto& definition = project.loaded.definition;
  if (definition && pipeline::asks_for_changes(*definition))
    TG_CHECK(add_changes(options, project.copy, context));
  return context;
}

}  // namespace tidegate::main
