// image, services, variables.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/text.h"
#include "config/read_parts.h"

namespace tidegate::config {
namespace {

constexpr std::size_t kMaxUser = 255;
constexpr auto kKubernetes = std::to_array<Keyword>({{"user"}});
constexpr auto kPullPolicies = std::to_array<Keyword>({{"always"}, {"if-not-present"}, {"never"}});

std::optional<Variable> read_variable(const Value& value, VariableForm form) {
  Variable variable;
  variable.key = value.name();
  const yaml::Node& node = value.node();
  if (node.is_scalar()) {
    variable.value = node.text;
    return variable;
  }
  if (!node.is_map() || form == VariableForm::kScalar) {
    value.error("invalid-type",
                form == VariableForm::kScalar ? "must be a string" : "should be a string or a hash");
    return std::nullopt;
  }
  check_map(value, form == VariableForm::kGlobal ? variable_keywords() : job_variable_keywords());
  if (const auto text = value.find("value")) variable.value = read_scalar(*text).value_or("");
  if (const auto expand = value.find("expand")) variable.expand = read_bool(*expand).value_or(true);
  if (const auto text = value.find("description")) variable.description = read_scalar(*text).value_or("");
  if (const auto options = value.find("options")) {
    variable.options = read_strings(*options).value_or(std::vector<std::string>());
    if (!variable.options.empty() &&
        std::ranges::find(variable.options, variable.value) == variable.options.end())
      value.error("invalid-value", "value must be present in options");
  }
  return variable;
}

std::string read_filled(const Value& value) {
  const auto text = read_string(value);
  if (text && trim(*text).empty()) value.error("invalid-value", "can't be blank");
  return text.value_or("");
}

/// Source: GitLab, entry/schemas/imageable/executor_opts.json.
void read_executor_options(const Value& value, Image& image) {
  if (const auto docker = value.find("docker"); docker && check_map(*docker, image_docker_keywords())) {
    if (const auto platform = docker->find("platform")) image.platform = read_filled(*platform);
    if (const auto user = docker->find("user")) image.user = read_filled(*user);
    if (image.user.size() > kMaxUser)
      docker->error("invalid-value", "user is too long (maximum is 255 characters)");
  }
  if (const auto kubernetes = value.find("kubernetes"); kubernetes && check_map(*kubernetes, kKubernetes))
    if (const auto user = kubernetes->find("user"); user && user->node().kind != yaml::Kind::kInt)
      read_filled(*user);
}

/// What image and service have in common.
void read_image_hash(const Value& value, Image& image) {
  if (const auto name = value.find("name")) {
    image.name = read_filled(*name);
  } else {
    value.error("missing-keyword", "name can't be blank");
  }
  if (const auto entrypoint = value.find("entrypoint")) image.entrypoint = read_strings(*entrypoint);
  if (const auto policy = value.find("pull_policy")) {
    image.pull_policy = read_string_or_strings(*policy).value_or(std::vector<std::string>{});
    if (policy->node().is_list() && policy->node().items.empty())
      policy->error("invalid-value", "should be a string or an array of strings that is not empty");
    for (const std::string& word : image.pull_policy)
      if (find_keyword(kPullPolicies, word) == nullptr)
        policy->error("invalid-value", "should be one of: always, if-not-present, never",
                      nearest_hint(value.findings(), kPullPolicies, word));
  }
  read_executor_options(value, image);
}

}  // namespace

Variables read_variables(const Value& value, VariableForm form) {
  Variables variables;
  if (!value.node().is_map()) {
    value.error("invalid-type", "should be a hash");
    return variables;
  }
  for (const yaml::Entry& entry : value.node().entries) {
    if (entry.key.empty()) {
      value.error("invalid-value", "has a variable without a name");
    } else if (auto variable = read_variable(value.child(*entry.value, entry.key), form)) {
      variables.push_back(*std::move(variable));
    }
  }
  return variables;
}

std::optional<Image> read_image(const Value& value) {
  Image image;
  if (value.node().is_string()) {
    image.name = value.node().text;
  } else if (value.node().is_map()) {
    check_map(value, image_keywords());
    read_image_hash(value, image);
  } else {
    value.error("invalid-type", "should be a hash or a string");
    return std::nullopt;
  }
  if (value.node().is_string() && trim(image.name).empty()) value.error("invalid-value", "can't be blank");
  return image;
}

std::vector<Service> read_services(const Value& value) {
  std::vector<Service> services;
  if (!value.node().is_list()) {
    value.error("invalid-type", "should be an array");
    return services;
  }
  for (const yaml::NodePtr& item : value.node().items) {
    const Value one = value.child(*item, "service");
    Service service;
    if (item->is_string()) {
      service.image.name = read_filled(one);
    } else if (!item->is_map()) {
      one.error("invalid-type", "should be a hash or a string");
      continue;
    } else {
      check_map(one, service_keywords());
      read_image_hash(one, service.image);
      if (const auto alias = one.find("alias")) {
        // One string may hold several names, joined by spaces or commas.
        for (const std::string& part : split(replace_all(read_string(*alias).value_or(""), ",", " "), ' '))
          if (!part.empty()) service.aliases.push_back(part);
      }
      if (const auto command = one.find("command")) {
        service.command = read_strings(*command);
        if (service.command && service.command->empty()) command->error("invalid-value", "can't be blank");
      }
      if (const auto variables = one.find("variables"))
        service.variables = read_variables(*variables, VariableForm::kScalar);
    }
    services.push_back(std::move(service));
  }
  return services;
}

}  // namespace tidegate::config
