// Can this host take this release? Interpreter against the image's labels and its wheels, room on the disk,
// the host's clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::release {

/// What compiled packages depend on. Texts may be empty: not known.
struct HostAbi {
  std::string version;   ///< of Python: "3.11.2"
  std::string soabi;     ///< sysconfig's SOABI: "cpython-311-x86_64-linux-gnu"
  std::string platform;  ///< sysconfig.get_platform(): "linux-x86_64"
  std::string glibc;     ///< "2.36"
};

/// Labels that an image may have: `tidegate.python` (its version), `tidegate.soabi`, `tidegate.glibc`.
/// kFailed: the host's Python has another minor version or ABI, or its glibc is older than the one that
/// wheels were built with.
Status check_labels(const std::map<std::string, std::string>& labels, const HostAbi& host);

/// Does a wheel of this file name install on the host? (PEP 425, 427, 600: tags of CPython on Linux with
/// glibc, as pip would have them. Where the host does not say what it has, a tag fits.)
bool wheel_fits(std::string_view file, const HostAbi& host);

/// kFailed: for a package of the lock there are wheels, and none of them fits. A package without any wheel is
/// left to pip, which says more about it.
Status check_wheels(std::string_view lock, const std::vector<std::string>& files, const HostAbi& host);

struct Cargo {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wheels = 0;
  std::uint64_t wheel_bytes = 0;
  std::uint64_t members = 1;
};
struct Room {
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> inodes;  ///< nothing: the file system has no such limit
};
/// At most what a release will take, while it is made.
Room room_needed(const Cargo& cargo);
/// kFailed says what is lacking at `where`.
Status check_room(const Room& needed, const Room& free, std::string_view where);

/// Seconds that the host's clock is ahead, given our time before and after it was asked; 0 where the answer
/// lies between.
std::int64_t clock_skew(std::int64_t before, std::int64_t host, std::int64_t after);
/// kFailed: so far off that signatures of S3 and certificates are refused (S3 takes 15 minutes; here it is
/// 5).
Status check_clock(std::int64_t skew);

}  // namespace tidegate::release
