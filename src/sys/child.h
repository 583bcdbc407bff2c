// Child: a started process of a Command. Internal to the room; see process.h.
#pragma once

#include <optional>
#include <sys/types.h>
#include <utility>

#include "base/result.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace tidegate::sys {

/// What posix_spawn would cut short or refuse without saying why.
Status check_command(const Command& command);

/// A running child. When it goes, the child and its group are dead and reaped.
class Child {
 public:
  /// Starts it with these descriptors as its standard input, output and error.
  static Result<Child> start(const Command& command, int in, int out, int err);
  Child(Child&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), group_(other.group_), pidfd_(std::move(other.pidfd_)) {}
  Child& operator=(Child&&) = delete;
  ~Child() { static_cast<void>(reap()); }

  /// Readable when the child has ended.
  int pidfd() const { return pidfd_.get(); }
  /// To its group, if it has one of its own.
  void signal(int number) const;
  /// Kills what is left of the group, then reaps; the status as waitpid gives it. The group goes first: while
  /// the leader is a zombie, its number cannot have been given to somebody else. Nothing when somebody else
  /// reaped it (SIGCHLD ignored).
  std::optional<int> reap();

 private:
  Child(pid_t pid, bool group);

  pid_t pid_;
  bool group_;
  UniqueFd pidfd_;
};

}  // namespace tidegate::sys
