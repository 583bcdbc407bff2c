// id_tokens, secrets, hooks, run, inputs, identity, dast_configuration: what a job asks of its runner.
#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxOptions = 50;
constexpr std::size_t kMaxInputs = 50;
constexpr auto kProviders =
    std::to_array<std::string_view>({"vault", "azure_key_vault", "gcp_secret_manager", "akeyless",
                                     "gitlab_secrets_manager", "aws_secrets_manager"});
constexpr auto kIdentities = std::to_array<Keyword>({{"google_cloud"}});
constexpr auto kInputTypes = std::to_array<Keyword>({{"string"}, {"number"}, {"boolean"}, {"array"}});

/// Reads each entry of a hash of hashes.
template <class T, class Read>
std::vector<T> read_entries(const Value& value, const Read& read) {
  std::vector<T> out;
  if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash");
    return out;
  }
  for (const yaml::Entry& entry : value.node().entries)
    if (auto one = read(value.child(*entry.value, entry.key))) out.push_back(*std::move(one));
  return out;
}

std::optional<IdToken> read_id_token(const Value& value) {
  if (!check_map(value, id_token_keywords())) return std::nullopt;
  IdToken token;
  token.name = value.name();
  if (const auto audience = value.find("aud")) {
    token.audiences = read_string_or_strings(*audience).value_or(std::vector<std::string>());
    if (audience->node().is_list() && audience->node().items.empty())
      audience->error("missing-keyword", "can't be blank", "Write for whom it is.");
  } else {
    value.error("missing-keyword", "missing required keys: aud", "Write for whom it is: `aud: https://…`.");
  }
  return token;
}

/// A hash of strings of which some must be there.
void check_strings(const Value& value, Keywords table, std::initializer_list<std::string_view> required) {
  if (!check_map(value, table)) return;
  for (const yaml::Entry& entry : value.node().entries)
    if (find_keyword(table, entry.key) != nullptr && !entry.value->is_null())
      read_string(value.child(*entry.value, entry.key));
  for (const std::string_view key : required)
    if (!value.find(key)) value.error("missing-keyword", fmt::format("{} can't be blank", key));
}

/// "path/field@engine", or the same as a hash.
void check_vault(const Value& value) {
  if (value.node().is_string()) {
    if (value.node().text.find('/') == std::string::npos)
      value.error("invalid-value", "should hold a path and a field", "Write it as `path/field@engine`.");
    return;
  }
  if (!check_map(value, vault_secret_keywords())) return;
  for (const std::string_view key : {"path", "field"}) {
    if (const auto text = value.find(key)) {
      read_string(*text);
    } else {
      value.error("missing-keyword", fmt::format("{} can't be blank", key));
    }
  }
  if (const auto engine = value.find("engine")) {
    check_strings(*engine, vault_engine_keywords(), {"name", "path"});
  } else {
    value.error("missing-keyword", "missing required keys: engine");
  }
}

void check_gitlab_secret(const Value& value) {
  check_strings(value, gitlab_secret_keywords(), {"name"});
  const auto name = value.find("name");
  if (name && name->node().is_string() && !only_of(name->node().text, "_"))
    name->error("invalid-value", "should have letters, digits and _ alone");
}

/// Its version may be a number.
void check_gcp_secret(const Value& value) {
  if (!check_map(value, versioned_secret_keywords())) return;
  if (const auto name = value.find("name")) {
    read_string(*name);
  } else {
    value.error("missing-keyword", "name can't be blank");
  }
  if (const auto version = value.find("version"); version && version->node().kind != yaml::Kind::kInt)
    read_string(*version);
}

void check_provider(const Value& value, std::string_view provider, bool has_token) {
  if (provider == "vault") return check_vault(value);
  if (provider == "azure_key_vault") return check_strings(value, versioned_secret_keywords(), {"name"});
  if (provider == "gitlab_secrets_manager") return check_gitlab_secret(value);
  if (provider == "aws_secrets_manager") {
    if (!value.node().is_string()) check_strings(value, aws_secret_keywords(), {"secret_id"});
    return;
  }
  if (provider == "akeyless") {
    if (!value.node().is_map()) value.error("invalid-type", "should be a hash");
    return;
  }
  check_gcp_secret(value);
  if (!has_token) value.error("missing-keyword", "token is required with gcp secrets manager");
}

std::optional<SecretRequest> read_secret(const Value& value) {
  if (!check_map(value, secret_keywords())) return std::nullopt;
  SecretRequest secret;
  secret.name = value.name();
  const auto token = value.find("token");
  if (token) read_string(*token);
  std::size_t providers = 0;
  for (const std::string_view provider : kProviders) {
    const auto found = value.find(provider);
    if (!found) continue;
    ++providers;
    secret.provider = provider;
    check_provider(*found, provider, token.has_value());
  }
  if (providers != 1)
    value.error("missing-keyword",
                "must use exactly one of these keys: vault, azure_key_vault, gcp_secret_manager, akeyless, "
                "gitlab_secrets_manager, aws_secrets_manager");
  if (const auto file = value.find("file")) secret.file = read_bool(*file).value_or(true);
  return secret;
}

/// Source: GitLab's schema of steps.
bool is_step_name(std::string_view name) {
  return !name.empty() && only_of(name, "_") && (name.front() < '0' || name.front() > '9');
}

Variables read_step_env(const Value& value) {
  Variables out;
  for (const yaml::Entry& entry : value.node().entries) {
    if (!is_step_name(entry.key))
      value.error("invalid-value",
                  fmt::format("{} should be a name of letters, digits and _", printable(entry.key, 60)));
    if (entry.value->is_scalar() && !entry.value->is_null())
      read_string(value.child(*entry.value, entry.key));
  }
  for (Variable& variable : read_variables(value, VariableForm::kScalar)) {
    if (variable.value.find("${{") != std::string::npos)
      value.error("unsupported-keyword", "has a step expression, which is not evaluated here",
                  "Use a variable of the job in the script.");
    out.push_back(std::move(variable));
  }
  return out;
}

std::optional<RunStep> read_run_step(const Value& value) {
  if (!check_map(value, run_step_keywords())) return std::nullopt;
  RunStep step;
  if (const auto name = value.find("name")) {
    step.name = read_string(*name).value_or("a");
    if (!is_step_name(step.name)) name->error("invalid-value", "should have letters, digits and _ alone");
  } else {
    value.error("missing-keyword", "name can't be blank");
  }
  const auto script = value.find("script");
  const int kinds =
      int{script.has_value()} + int{value.find("step").has_value()} + int{value.find("func").has_value()};
  if (kinds != 1)
    value.error("missing-keyword", "must use exactly one of these keys: step, script",
                "Write what the step runs as `script`.");
  if (script && value.find("inputs")) value.error("keyword-conflict", "script cannot have inputs");
  if (script) step.script = read_string(*script).value_or("");
  if (script && script->node().is_string() && step.script.empty())
    script->error("invalid-value", "can't be blank");
  if (step.script.find("${{") != std::string::npos)
    value.error("unsupported-keyword", "has a step expression, which is not evaluated here",
                "Use a variable in the script: $NAME.");
  if (const auto env = value.find("env")) step.env = read_step_env(*env);
  return step;
}

bool fits(const yaml::Node& node, std::string_view type) {
  if (type == "number") return node.kind == yaml::Kind::kInt || node.kind == yaml::Kind::kFloat;
  if (type == "boolean") return node.kind == yaml::Kind::kBool;
  if (type == "array") return node.is_list();
  return node.is_string();
}

std::string input_text(const yaml::Node& node) {
  if (!node.is_list()) return node.text;
  std::string out;
  for (const yaml::NodePtr& item : node.items) {
    std::string text = input_text(*item);
    if (item->is_string()) text = "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
    out += (out.empty() ? "" : ",") + text;
  }
  return "[" + out + "]";
}

bool same_value(const yaml::Node& a, const yaml::Node& b) {
  const auto number = [](const yaml::Node& node) { return fits(node, "number"); };
  if (number(a) && number(b))
    return std::strtod(a.text.c_str(), nullptr) == std::strtod(b.text.c_str(), nullptr);
  return a.kind == b.kind && a.text == b.text;
}

/// The default must be one of them; each item of a default that is an array.
void check_options(const Value& options, const yaml::Node& preset) {
  const auto plain = [](const yaml::NodePtr& option) { return option->is_scalar() && !option->is_null(); };
  const auto& all = options.node().items;
  if (!options.node().is_list() || !std::ranges::all_of(all, plain))
    return options.error("invalid-type", "should be an array of values");
  if (all.size() > kMaxOptions) options.error("invalid-value", "cannot define more than 50 options");
  const auto allowed = [&](const yaml::Node& one) {
    return std::ranges::any_of(all, [&](const yaml::NodePtr& option) { return same_value(*option, one); });
  };
  const bool good = preset.is_list()
                        ? std::ranges::all_of(preset.items, [&](const auto& item) { return allowed(*item); })
                        : allowed(preset);
  if (!good)
    options.error("invalid-input",
                  fmt::format("do not have the default: {}", printable(input_text(preset), 60)));
}

std::optional<JobInput> read_input(const Value& value) {
  if (!check_map(value, job_input_keywords())) return std::nullopt;
  JobInput input;
  input.name = value.name();
  std::string type = "string";
  if (const auto written = value.find("type")) type = read_word(*written, kInputTypes).value_or("");
  const auto preset = value.find("default");
  if (!preset) {
    value.error("missing-keyword", "default can't be blank", "Inputs of a job need a `default`.");
    return std::nullopt;
  }
  if (!type.empty() && !fits(preset->node(), type))
    preset->error("invalid-type", fmt::format("should be a value of type {}", type));
  input.value = input_text(preset->node());
  if (const auto options = value.find("options")) check_options(*options, preset->node());
  const auto regex = value.find("regex");
  const auto pattern = regex ? read_string(*regex).value_or("") : "";
  if (preset->node().is_string()) input.regex = pattern;
  const auto about = value.find("description");
  if (about && about->node().kind != yaml::Kind::kInt) read_string(*about);
  return input;
}

}  // namespace

std::vector<IdToken> read_id_tokens(const Value& value) {
  return read_entries<IdToken>(value, read_id_token);
}

std::vector<SecretRequest> read_secrets(const Value& value) {
  return read_entries<SecretRequest>(value, read_secret);
}

std::vector<JobInput> read_inputs(const Value& value) {
  if (value.node().is_map() && value.node().entries.size() > kMaxInputs)
    value.error("invalid-value", "cannot have more than 50 inputs");
  return read_entries<JobInput>(value, read_input);
}

std::vector<std::string> read_hooks(const Value& value) {
  if (!check_map(value, hooks_keywords())) return {};
  const auto script = value.find("pre_get_sources_script");
  return script ? read_script(*script).value_or(Script()).lines : std::vector<std::string>();
}

std::vector<RunStep> read_run(const Value& value) {
  std::vector<RunStep> steps;
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array of steps", "Write a list of {name, script}.");
    return steps;
  }
  if (value.node().items.empty()) value.error("invalid-value", "can't be blank");
  for (const yaml::NodePtr& item : value.node().items)
    if (auto step = read_run_step(value.child(*item, "step"))) steps.push_back(*std::move(step));
  return steps;
}

void check_identity(const Value& value) {
  read_word(value, kIdentities);
}

void check_dast(const Value& value) {
  check_strings(value, dast_keywords(), {});
}

}  // namespace tidegate::config
