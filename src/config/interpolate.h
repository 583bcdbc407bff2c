// Interpolation: $[[ inputs.name | function ]] in a tree. Source: GitLab docs "CI/CD inputs";
// Gitlab::Ci::Config::Interpolation.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/findings.h"
#include "config/inputs.h"
#include "config/merge.h"
#include "config/yaml.h"

namespace tidegate::config {

/// What may stand before the first dot of a block.
struct InterpolationContext {
  InputValues inputs;
  InputValues component;  ///< name, sha, version, reference: those that spec:component asks for
};

/// The tree with every block replaced, in keys and in `!reference` paths too. A value that is one block takes
/// the input's type; inside a larger text the value stands as text, arrays as JSON; an array in place of an
/// item of a list is spliced into it. `$[[ matrix.NAME ]]` stays: it belongs to needs:parallel:matrix.
///
/// Limits as GitLab: 3 functions in a block, 1 KiB for its path, 10,000 different blocks, 1 MiB for a value.
/// Work is spent from `budget`. What is wrong is a finding at the value; then the answer is still a tree.
yaml::NodePtr interpolate(const yaml::NodePtr& content, const InterpolationContext& context,
                          const IncludeScope& scope, Budget& budget, Findings& out);

/// A block in a text: `$[[`, blanks, at least two characters on one line that neither begin nor end with a
/// blank, blanks, `]]`.
struct InterpolationBlock {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string_view data;
};

/// All blocks, from left to right. Time is linear in the text.
std::vector<InterpolationBlock> find_blocks(std::string_view text);

/// A warning for each `$[[ inputs.… ]]` of a file that has no `spec` header, where it stays as text.
void warn_of_blocks(const yaml::Node& content, Findings& out);

/// One function of a block ("truncate(0,5)") applied to a value. An error says what is wrong.
Result<yaml::NodePtr> apply_function(std::string_view function, const yaml::NodePtr& value,
                                     const IncludeScope& scope);

}  // namespace tidegate::config
