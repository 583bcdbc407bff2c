// The kinds of pipelines that there can be, and in which of them a job is: what can be said of rules before
// there is a pipeline. Always on the safe side: "may" when it is not known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/definition.h"
#include "pipeline/expression.h"

namespace tidegate::pipeline::lints {

/// A set of kinds of pipelines, one bit each.
using WorldSet = std::uint32_t;

/// In which kinds of pipelines a job may be, and in which it is for certain.
struct Reach {
  WorldSet may = 0;
  WorldSet must = 0;
  std::vector<WorldSet> rules;  ///< for each rule: where it may be the one that matches
};

/// What `rules:changes` is taken for.
enum class Changes : std::uint8_t { kUnknown, kTrue };

/// Which pushes and merge requests are looked at.
enum class Push : std::uint8_t {
  kAny,
  /// To a branch that no rule names, with changes that none of the paths of `changes` matches: the pipeline
  /// in which most is left out, and which there always can be.
  kStray,
};

/// What can be said of the expressions of `if`, each parsed once: many jobs share them, and a pattern costs
/// much to compile. The parsed ones are not kept, for compiled patterns are large.
class Conditions {
 public:
  struct Holds {
    WorldSet may = 0;
    WorldSet may_not = 0;
  };
  struct Verdict {
    Holds any;
    Holds stray;
    Truth constant = Truth::kUnknown;  ///< what it is whatever its variables are; of those that have any
  };
  const Verdict& of(const std::string& expression);

 private:
  std::unordered_map<std::string, Verdict> known_;
};

class Worlds {
 public:
  Worlds(const config::Definition& definition, Conditions& conditions, Push push = Push::kAny);

  Reach reach(const config::Job& job, Changes changes = Changes::kUnknown);
  /// Where the expression may be true, whatever stands around it; all kinds when it does not parse.
  WorldSet may_hold(const std::string& expression);

  /// Kinds that workflow:rules lets through.
  WorldSet possible() const { return possible_; }
  static WorldSet all();
  /// Pipelines from this source ("schedule") on a branch.
  static WorldSet of_source(std::string_view source);
  /// A push to a branch.
  static WorldSet branch_push();
  /// Pushes to branches, with and without an open merge request, and merge requests: those that have a diff.
  static WorldSet with_diff();
  /// A push to a branch that has an open merge request.
  static WorldSet push_with_merge_request();
  /// The name of one kind of the set: "a scheduled pipeline".
  static std::string_view describe(WorldSet set);

 private:
  Reach of_rules(const std::vector<config::Rule>& rules, WorldSet among, config::When otherwise,
                 Changes changes);
  Reach of_filters(const config::Job& job) const;

  const config::Definition& definition_;
  Push push_;
  Conditions& conditions_;
  WorldSet possible_ = 0;
};

}  // namespace tidegate::pipeline::lints
