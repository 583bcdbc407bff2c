#include "pipeline/bridge.h"

#include <unordered_map>
#include <utility>

namespace tidegate::pipeline {
namespace {

bool refers_to(const std::string& text, const std::string& key) {
  const JobVariables probe{{.key = key, .value = ""}};
  return expand_text(text, VariableIndex(probe), Undefined::kKeep) != text;
}

/// The last of each name, in the order of the last ones.
JobVariables strongest(const JobVariables& variables) {
  std::unordered_map<std::string_view, std::size_t> last;
  for (std::size_t i = 0; i < variables.size(); ++i) last[variables[i].key] = i;
  JobVariables out;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (last.at(variables[i].key) == i) out.push_back(variables[i]);
  }
  return out;
}

class Forwarder {
 public:
  explicit Forwarder(const JobVariables& of_bridge) {
    for (const JobVariable& variable : strongest(of_bridge)) {
      (variable.file ? files_ : values_).push_back(variable);
    }
    index_ = VariableIndex(values_);
  }

  std::string expand(const std::string& text) const {
    return has_reference(text) ? expand_text(text, index_, Undefined::kBlank) : text;
  }

  void forward(const JobVariables& variables) {
    for (const JobVariable& variable : variables) {
      JobVariable copy{.key = variable.key, .value = variable.value, .raw = variable.raw};
      copy.file = variable.file;
      if (!copy.raw && !copy.file && has_reference(copy.value)) expand_value(copy);
      out_.push_back(std::move(copy));
    }
  }

  JobVariables take() const { return strongest(out_); }

 private:
  void expand_value(JobVariable& variable) {
    JobVariables named;
    for (const JobVariable& file : files_) {
      if (refers_to(variable.value, file.key)) named.push_back(file);
    }
    out_.insert(out_.end(), named.begin(), named.end());
    if (named.empty()) {
      variable.value = expand(variable.value);
      return;
    }
    JobVariables known = values_;
    for (const JobVariable& file : named) known.push_back({.key = file.key, .value = "$" + file.key});
    variable.value = expand_text(variable.value, VariableIndex(known), Undefined::kBlank);
  }

  JobVariables values_;
  JobVariables files_;
  VariableIndex index_;
  JobVariables out_;
};

}  // namespace

Downstream downstream_of(const Bridge& bridge, const JobVariables& of_bridge, const JobVariables& reported,
                         const JobVariables& of_pipeline) {
  Forwarder forwarder(of_bridge);
  forwarder.forward(bridge.variables);
  if (bridge.forward_pipeline_variables) {
    forwarder.forward(reported);
    forwarder.forward(of_pipeline);
  }
  return {.project = forwarder.expand(bridge.project),
          .branch = forwarder.expand(bridge.branch),
          .variables = forwarder.take()};
}

}  // namespace tidegate::pipeline
