// Keywords of bridges: jobs that start other pipelines.
#include <array>

#include "config/keywords.h"

namespace tidegate::config {
namespace {

/// Source: GitLab's Ci::Config::Entry::Bridge and Processable.
constexpr auto kBridge = std::to_array<Keyword>({
    {"allow_failure"},
    {"environment"},
    {"except"},
    {"extends"},
    {"inherit"},
    {"interruptible"},
    {"needs"},
    {"only"},
    {"parallel"},
    {"resource_group"},
    {"rules"},
    {"stage"},
    {"trigger"},
    {"variables"},
    {"when"},
});

constexpr auto kTrigger = std::to_array<Keyword>({
    {"project"},
    {"branch"},
    {"include"},
    {"strategy"},
    {"forward"},
    {"inputs"},
});

constexpr auto kTriggerInclude = std::to_array<Keyword>({
    {"local"},
    {"artifact"},
    {"job"},
    {"project"},
    {"file"},
    {"ref"},
    {"remote"},
    {"integrity"},
    {"template"},
    {"component"},
    {"inputs"},
    {"rules"},
});

constexpr auto kTriggerForward = std::to_array<Keyword>({{"yaml_variables"}, {"pipeline_variables"}});

}  // namespace

Keywords bridge_keywords() {
  return kBridge;
}
Keywords trigger_keywords() {
  return kTrigger;
}
Keywords trigger_include_keywords() {
  return kTriggerInclude;
}
Keywords trigger_forward_keywords() {
  return kTriggerForward;
}

}  // namespace tidegate::config
