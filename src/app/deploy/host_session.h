// HostSession: one deployment's conversation with one host, as typed calls over host_scripts.h.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/ports/target_host.h"
#include "base/result.h"
#include "config/project_file.h"
#include "release/host_fit.h"
#include "release/journal.h"
#include "release/release_id.h"

namespace tidegate::app {

/// A release of a member, as it lies on the host.
struct StoredRelease {
  std::string member;
  std::string release;
  std::string state;  ///< building, ready, failed, rolled_back
  std::string json;   ///< release.json, when details were asked for
};

/// What is so on the host, at one moment.
struct HostFacts {
  std::int64_t now = 0;  ///< seconds since 1970, by the host's clock
  std::string lease;     ///< its line; empty: none
  release::Links links;
  std::vector<StoredRelease> stored;
  std::string journal;    ///< text
  std::int64_t skew = 0;  ///< seconds that its clock is ahead of ours
};

struct Interpreter {
  std::string version;             ///< "3.11.2"
  std::string identity;            ///< version, ABI, platform and real path: what compiled packages depend on
  std::string pip;                 ///< version of the host's own pip; empty: none
  std::set<std::string> packages;  ///< keys of packages that are installed on the host already
  release::HostAbi abi;
  std::uint64_t free_bytes = 0;
  std::optional<std::uint64_t> free_inodes;  ///< nothing: there is no such limit
  std::string env_sha256;                    ///< of the env file; empty: the target has none
  std::string env_before;                    ///< as it was when the live release was made; empty: not known
};

/// What is not as it was when the live release was made.
struct Drift {
  std::string member;
  std::string kind;  ///< changed, missing, added, unreadable, link, more
  std::string path;  ///< below the release; "@env": the env file
  std::string detail;
};

/// How a command ended in one member.
struct Verdict {
  std::string member;
  int exit_code = -1;
  std::vector<std::string> log;  ///< its last lines
};

/// kFailed: refused, with the host's words; kConflict: the lease is lost; kUnavailable: no connection, or
/// something that the host needs does not answer; kCanceled. Not thread-safe.
class HostSession {
 public:
  HostSession(TargetHost& host, const config::Target& target, const sys::StopFlag* stop)
      : host_(host), target_(target), layout_(target.path), stop_(stop) {}

  Result<HostFacts> look(bool details);
  /// Takes the lease for `owner`, given the line that look() saw, and looks again: what was seen before may
  /// have changed meanwhile. All calls below need the lease.
  Result<HostFacts> take_lease(const std::string& seen, const std::string& owner);
  /// Heeds no stop.
  Status drop_lease();
  /// From here on nothing is stopped any more: what has begun to flip is brought to its end.
  void ignore_stop() { stop_ = nullptr; }

  Result<Interpreter> preflight();
  /// MLflow's experiment id by the host's own settings; "none": it is not made yet.
  Result<std::string> mlflow_experiment();
  Status upload(const std::filesystem::path& local, const std::string& release);
  using OnSay = std::function<void(std::string_view line)>;
  Status install(const Interpreter& python, const std::string& key, const std::string& release,
                 const OnSay& say);
  Result<std::vector<Verdict>> verify(std::string_view which, const std::string& release,
                                      const std::string& command);
  Status append(const std::string& line);
  Status renew();
  Result<std::string> env_sha256();
  /// Needs no lease.
  Result<std::vector<Drift>> drift();
  Status point(const release::Links& links);
  Status mark(const std::string& release, const std::string& state);
  /// The last call: history, these releases ("member/release") removed but for those in use, and the lease
  /// given back. Returns what it did, for people.
  Result<std::vector<std::string>> close(const std::string& release, const std::string& history,
                                         const std::vector<std::string>& names);

 private:
  Result<std::string> call(std::string_view script, std::vector<std::string> arguments,
                           Millis timeout = Seconds{60}, const OnSay& say = {});

  TargetHost& host_;
  const config::Target& target_;
  release::Layout layout_;
  const sys::StopFlag* stop_;
  std::string token_;
};

}  // namespace tidegate::app
