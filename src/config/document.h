// One file of a configuration: YAML text to its header and its content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/findings.h"
#include "config/yaml.h"

namespace tidegate::config {

/// A pipeline file. With two documents the first one is the header, when it has `spec`.
struct Document {
  yaml::NodePtr header;   ///< a map; a null pointer when there is none
  yaml::NodePtr content;  ///< a map
};

/// Reads one pipeline file; nothing when it cannot be read (then there is an error). A file without content
/// is an error.
std::optional<Document> read_document(std::string_view text, const std::string& file, Findings& out);

}  // namespace tidegate::config
