// Regular expressions of the pipeline language: RE2 behind a small wall, so that its header stays in one
// file.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace tidegate::pipeline {

/// A compiled RE2 expression. Cheap to copy (shared, immutable); may be used from several threads.
/// Matching takes time linear in the text, whatever the expression.
class Regex {
 public:
  /// Compiles RE2 syntax. An error says what RE2 dislikes.
  static Result<Regex> compile(std::string_view pattern);

  /// Compiles "/pattern/flags" with the flags i, s, m, U; `\/` inside stands for a slash. An error when the
  /// text has not that form or RE2 refuses it. Source: GitLab docs, rules:if and only:refs.
  static Result<Regex> from_slashes(std::string_view text);

  /// True when the expression matches anywhere in `text`.
  bool search(std::string_view text) const;

  /// Length of the match that begins at the first byte of `text`; nothing when there is none.
  std::optional<std::size_t> match_prefix(std::string_view text) const;

  /// Of the last match in `text` its last group, or the whole match when the expression has no groups.
  std::optional<std::string_view> last_match(std::string_view text) const;

 private:
  struct Impl;
  explicit Regex(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tidegate::pipeline
