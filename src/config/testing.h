// What the tests of this room share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "base/text.h"
#include "config/load.h"

namespace tidegate::config::testing {

/// A repository of these files. `files` must outlive the answer.
inline Sources sources_of(const std::map<std::string, std::string>& files) {
  Sources sources;
  sources.read = [&files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
  sources.list = [&files] {
    std::vector<std::string> paths;
    for (const auto& [path, content] : files) paths.push_back(path);
    return paths;
  };
  return sources;
}

/// Loads a text as `.gitlab-ci.yml` of a repository that has these other files.
inline Loaded load_text(std::string_view text, const std::map<std::string, std::string>& files = {}) {
  return load(text, ".gitlab-ci.yml", sources_of(files));
}

/// The text as a YAML scalar in double quotes.
inline std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

inline std::string sha256_base64(std::string_view bytes) {
  return base64_encode(from_hex(sha256_hex(bytes)).value_or(""));
}

inline std::vector<std::string> codes(const Diagnostics& diagnostics) {
  std::vector<std::string> out;
  for (const Diagnostic& found : diagnostics) out.push_back(found.code);
  return out;
}

/// The code of the first error; empty: none.
inline std::string first_error(const Loaded& loaded) {
  for (const Diagnostic& found : loaded.diagnostics)
    if (found.severity == Severity::kError) return found.code;
  return "";
}

inline std::optional<Diagnostic> find(const Diagnostics& diagnostics, std::string_view code) {
  for (const Diagnostic& found : diagnostics)
    if (found.code == code) return found;
  return std::nullopt;
}

/// One line for each finding, for failure messages.
inline std::string text_of(const Diagnostics& diagnostics) {
  std::string out;
  for (const Diagnostic& found : diagnostics)
    out += found.place.file + ":" + std::to_string(found.place.line) + ":" +
           std::to_string(found.place.column) +
           (found.severity == Severity::kError ? " error " : " warning ") + found.code + ": " +
           found.message + (found.hint.empty() ? "" : " [" + found.hint + "]") + "\n";
  return out;
}

inline const Job* job(const Loaded& loaded, std::string_view name) {
  if (!loaded.definition) return nullptr;
  for (const Job& found : loaded.definition->jobs)
    if (found.name == name) return &found;
  return nullptr;
}

}  // namespace tidegate::config::testing
