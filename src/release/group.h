// The steps of a group of releases on one host: from what the host and its journal say to the one thing to do
// next. Pure, and asked again after every step, so that going on after a crash is not a case of its own. What
// several hosts of one deployment do together is in rollout.h.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "release/journal.h"

namespace tidegate::release {

/// What somebody wants. `deployment` is the name under which it is journalled; repeated, it goes on.
struct Goal {
  std::string deployment;
  std::string release;
  std::vector<std::string> members;
  bool roll_back = false;  ///< to a release that is there and was live: nothing is built, health is only told
  std::string digest;
  std::string commit;
  std::string experiment;
  bool abandon = false;  ///< nobody goes on with `deployment`, which the journal knows: it only has to end
};

/// What is so on the host, and what we saw of it.
struct Facts {
  Journal journal;
  Links links;                      ///< of the goal's members, and of those named in an open attempt
  std::set<std::string> installed;  ///< members in which the goal's release is installed whole
  /// Verdicts of this session; nothing: not asked yet. An empty text is a pass, anything else says why not.
  std::optional<std::string> smoke;
  std::optional<std::string> health;
};

struct WriteRecord {
  Record record;
};
/// Sets every link as given (no text: remove it), each in one step; repeating it is harmless.
struct Point {
  Links links;
};
struct Install {};
struct RunSmoke {};
struct RunCheck {};
/// The other hosts are to come as far first.
struct Wait {};
/// Nothing is left to do: `attempt` says how it ended.
struct Finished {
  Attempt attempt;
};
using Action = std::variant<WriteRecord, Point, Install, RunSmoke, RunCheck, Wait, Finished>;

/// What the other hosts of a deployment let this one do.
struct Clearance {
  enum class Upto : std::uint8_t { kReady, kHealthy, kLive };
  Upto upto = Upto::kLive;
  /// Not empty: the deployment failed elsewhere, and this host goes back to where it was. This is why.
  std::string undo;
};

/// Deployments that came to a decision on the host that decides: who finds one half done brings it there.
using Decided = std::set<std::string>;

/// The next action. Rules that hold whatever happens between two calls, crashes included:
/// - Links move only while a kFlip or kUndo record without an end says from where to where.
/// - Another's open flip is undone before anything of ours begins, unless it is decided; one that a person
///   ordered (roll_back) is finished where it has begun to flip.
/// - A release is left live only when its check passed: in the session that flipped it, or, where other hosts
///   are waited for, in the one that wrote kHealthy.
/// - An abandoned deployment ends as one that another finds half done does: before its flip it has failed,
///   from there on it is undone, unless it is decided.
Action next(const Goal& goal, const Facts& facts, const Clearance& clearance = {},
            const Decided& decided = {});

/// Members whose links next() may want to see: the goal's and those of an attempt that is still open.
std::set<std::string> members_of_interest(const Goal& goal, const Journal& journal);

}  // namespace tidegate::release
