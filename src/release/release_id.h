// Names of releases and of the places that they have on a host.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace tidegate::release {

/// "<utc>-<commit12>-<digest12>", e.g. "20261122T101502Z-0123456789ab-fedcba987654": sorts by time, and says
/// what is in it. `commit` is a full or short sha, `digest` "sha256:…".
std::string make_release_id(Instant when, std::string_view commit, std::string_view digest);

/// Safe as a folder's name, as make_release_id writes them.
bool is_release_id(std::string_view text);

/// A member of a group: letters, digits, '.', '_', '-', at most 64, not beginning with '.' or '-', and not
/// one of the names that Tidegate keeps for itself beside the members ("state", "shared").
bool is_member_name(std::string_view text);

/// An absolute folder without "..", of letters, digits and "/._+@-" only: it stands in shebang lines, which
/// know no quoting.
bool is_target_path(std::string_view text);

/// A file below the target's folder: relative, no "..", the same characters.
bool is_relative_file(std::string_view text);

/// Where things are below a target's folder.
class Layout {
 public:
  explicit Layout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string state() const { return root_ + "/state"; }
  std::string incoming(std::string_view release) const {
    return state() + "/incoming/" + std::string(release);
  }
  std::string folder(std::string_view member, std::string_view release) const {
    return root_ + "/" + std::string(member) + "/" + link_to(release);
  }
  std::string current(std::string_view member) const {
    return root_ + "/" + std::string(member) + "/current";
  }

  /// What a member's `current` holds when this release is live. The empty release is no link at all.
  static std::string link_to(std::string_view release);
  /// The release that a link's text names; empty when it is no link of ours.
  static std::string release_of(std::string_view link);

 private:
  std::string root_;
};

}  // namespace tidegate::release
