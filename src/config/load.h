// The entrance of the room: text of `.gitlab-ci.yml` in, Definition or diagnostics out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/definition.h"
#include "config/origins.h"

namespace tidegate::config {

/// What the compiler may ask about the outside; all are functions of one commit (or directory).
struct Sources {
  /// The text of a file at the repository's root-relative path ("ci/build.yml"); nothing when there is none.
  std::function<std::optional<std::string>(const std::string& path)> read;
  /// All paths of the repository, for include:local with wildcards. May be empty: then wildcards find
  /// nothing.
  std::function<std::vector<std::string>()> list;
};

struct Loaded {
  std::optional<Definition> definition;  ///< absent when there are errors
  Diagnostics diagnostics;               ///< errors and warnings, in the order of the file
  std::string merged;  ///< YAML after include, extends, !reference; hidden keys kept (lint --merged)
  Origins origins;
};

/// Reads `text` (found at `file`), follows include:local, resolves extends, !reference and default, and
/// checks every keyword. A keyword that is not understood gives a diagnostic with its place, never silence.
/// Bounded in time and memory on hostile input (depth, aliases, size). Throws nothing.
Loaded load(std::string_view text, const std::string& file, const Sources& sources);

}  // namespace tidegate::config
