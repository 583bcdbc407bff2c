// Components: the address of include:component and the choice of its version. Source: GitLab docs "CI/CD
// components"; Gitlab::Ci::Components::InstancePath.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::config {

/// "host/group/project/name@version".
struct ComponentAddress {
  std::string host;  ///< empty when `$CI_SERVER_FQDN` has no value, as in a local run
  std::string project;
  std::string name;
  std::string version;
};

/// Nothing when a part is missing.
std::optional<ComponentAddress> parse_component(std::string_view address);

/// True for `~latest`, `1` and `1.2`: the version is chosen among the tags.
bool needs_tags(std::string_view version);

/// The greatest released version that fits: tags are semantic versions, with or without "v"; pre-releases do
/// not count. Nothing when no tag fits.
std::optional<std::string> choose_tag(std::string_view version, const std::vector<std::string>& tags);

/// True for "1.2.3" and "v1.2.3-rc.1": a tag that `component.version` may show.
bool is_semantic_version(std::string_view tag);

/// Where the component's file may stand, in the order of preference.
std::vector<std::string> component_paths(std::string_view name);

}  // namespace tidegate::config
