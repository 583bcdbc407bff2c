// The kinds of pipelines that there can be, and in which of them a job is: what can be said of rules before
// there is a pipeline. Always on the safe side: "may" when it is not known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/definition.h"

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

class Worlds {
 public:
  explicit Worlds(const config::Definition& definition);

  Reach reach(const config::Job& job, Changes changes = Changes::kUnknown);
  /// Where the expression may be true, whatever stands around it; all kinds when it does not parse.
  WorldSet may_hold(const std::string& expression);
  /// Where it may be false.
  WorldSet may_fail(const std::string& expression);

  /// Kinds that workflow:rules lets through.
  WorldSet possible() const { return possible_; }
  static WorldSet all();
  /// Pipelines from this source ("schedule") on a branch.
  static WorldSet of_source(std::string_view source);
  /// A push to a branch that has an open merge request.
  static WorldSet push_with_merge_request();
  /// The name of one kind of the set: "a scheduled pipeline".
  static std::string_view describe(WorldSet set);

 private:
  struct Holds {
    WorldSet may = 0;
    WorldSet may_not = 0;
  };
  const Holds& holds(const std::string& expression);
  Reach of_rules(const std::vector<config::Rule>& rules, WorldSet among, config::When otherwise,
                 Changes changes);
  Reach of_filters(const config::Job& job) const;

  const config::Definition& definition_;
  std::unordered_map<std::string, Holds> known_;
  WorldSet possible_ = 0;
};

}  // namespace tidegate::pipeline::lints
