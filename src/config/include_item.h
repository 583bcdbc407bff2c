// One entry of `include`, as written. Source: GitLab CI/CD YAML reference, `include`;
// Gitlab::Ci::Config::Entry::Include.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/definition.h"
#include "config/findings.h"
#include "config/yaml.h"

namespace tidegate::config {

enum class IncludeKind : std::uint8_t {
  kText,  ///< a bare string: a URL or a local path, which its variables may decide
  kLocal,
  kProject,
  kRemote,
  kTemplate,
  kComponent,
  kArtifact,
};

/// Variables are not yet replaced in any of the texts.
struct IncludeItem {
  IncludeKind kind = IncludeKind::kText;
  std::string location;   ///< path, URL, name of the template, or address of the component
  std::string project;    ///< kProject
  std::string ref;        ///< kProject; empty: the default branch
  std::string job;        ///< kArtifact: whose artifacts hold the file
  std::string integrity;  ///< kRemote: "sha256-" and base64; empty: any content will do
  std::optional<std::vector<Rule>> rules;
  yaml::NodePtr inputs;  ///< as written; a null pointer when there are none
  yaml::Mark mark;       ///< of the location
};

/// Where the entry stands: which keywords it may have.
enum class IncludePlace : std::uint8_t { kContent, kSpec };

/// Reads one entry; several when `file` is a list. Nothing is lost silently: what cannot be read is an error.
std::vector<IncludeItem> read_include(const yaml::Node& entry, IncludePlace place, Findings& out);

/// `*` is anything but a slash, `**` anything. Linear in practice and quadratic at worst. Source: wildcards
/// of include:local.
bool include_path_matches(std::string_view pattern, std::string_view path);

/// Whether a remote file has the content that `integrity` asks for.
bool has_integrity(std::string_view content, std::string_view integrity);

}  // namespace tidegate::config
