// Diagnostics: what is wrong with a configuration, as values, all at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidegate::config {

/// A place in a file. Lines and columns count from 1; 0 means "the file as a whole".
struct Place {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

enum class Severity : std::uint8_t { kError, kWarning };

/// A step of the way by which a text came to where it counts: "extends .base", "included".
struct Hop {
  std::string what;
  Place place;

  friend bool operator==(const Hop&, const Hop&) = default;
};

/// One finding. `code` is stable and documented in docs/reference/diagnostics.md (e.g. "unknown-keyword");
/// `message` says what is wrong, `hint` what to do (may be empty).
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;
  std::string message;
  Place place;
  std::string hint;
  std::string job = {};  ///< the job that it is about; empty: none, or not one alone
  std::vector<Hop> via =
      {};  ///< when the place is not in that job, or not in the first file: how it got there

  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

using Diagnostics = std::vector<Diagnostic>;

/// True when at least one finding is an error: then there is no pipeline.
bool has_errors(const Diagnostics& diagnostics);

}  // namespace tidegate::config
