#include "adapters/shell/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "adapters/shell/process_sweep.h"
#include "base/log.h"
#include "sys/file.h"

namespace tidegate::shell {

namespace {

using Steady = std::chrono::steady_clock;

constexpr int kTickMillis = 100;  // how soon a request to stop is seen, and how often "quiet" is reported
constexpr int kLastOutputMillis = 200;  // for output of a process that could not be found and holds the pipe

class SpawnSetup {
 public:
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

Result<pid_t> spawn(const ChildCommand& command, int output) {
  SpawnSetup setup;
  ::posix_spawn_file_actions_addopen(&setup.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&setup.actions, output, 1);
  ::posix_spawn_file_actions_adddup2(&setup.actions, output, 2);
  // A job has nothing of the server's: its listening sockets would keep the next server from their addresses.
  ::posix_spawn_file_actions_addclosefrom_np(&setup.actions, 3);
  ::posix_spawn_file_actions_addchdir_np(&setup.actions, command.directory.c_str());
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&setup.attributes, &none);
  ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  ::posix_spawnattr_setflags(&setup.attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments = command.argv;
  std::vector<std::string> variables;
  for (const auto& [key, value] : command.environment) variables.push_back(key + "=" + value);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, command.argv[0].c_str(), &setup.actions, &setup.attributes,
                                  pointers(arguments).data(), pointers(variables).data());
  if (error == E2BIG) {
    return fail(Errc::kInvalid, "the job's variables are larger than this system passes to a program");
  }
  if (error != 0) return sys::errno_error(fmt::format("start {}", command.argv[0]), error);
  return pid;
}

// The child from start to reaping. While it is not reaped its pid, and with it its session's, is not reused.
class Running {
 public:
  Running(const ChildCommand& command, pid_t pid, sys::UniqueFd output)
      : command_(command),
        pid_(pid),
        handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
        output_(std::move(output)) {
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    if (pid_ == 0) return;
    end_all();
    reap();
  }

  Result<app::ScriptExit> wait(const app::OnOutput& on_output, const sys::StopFlag& cancel) {
    const auto deadline = Steady::now() + command_.timeout;
    app::ScriptExit result;
    bool stopping = false;
    auto kill_at = Steady::time_point::max();
    while (!step(on_output)) {
      const auto now = Steady::now();
      if (!stopping && (cancel.stop_requested() || now >= deadline)) {
        stopping = true;
        result.canceled = cancel.stop_requested();
        result.timed_out = !result.canceled;
        ::kill(-pid_, SIGTERM);
        kill_at = now + command_.grace;
      }
      if (now >= kill_at) {
        end_all();
        kill_at = Steady::time_point::max();
      }
    }
    end_all();
    read_rest(on_output);
    result.exit_code = reap();
    return result;
  }

 private:
  // Waits for output or the end, at most one tick. True: the child has ended.
  bool step(const app::OnOutput& on_output) {
    std::array<pollfd, 2> watched{pollfd{handle_.get(), POLLIN, 0}, pollfd{output_.get(), POLLIN, 0}};
    const int ready = ::poll(watched.data(), watched.size(), kTickMillis);
    if (ready <= 0) {
      on_output({});
      return false;
    }
    if (watched[1].revents != 0 && !read_some(on_output)) output_.reset();  // the script closed its output
    return watched[0].revents != 0;
  }

  // False at the end of the output.
  bool read_some(const app::OnOutput& on_output) {
    std::array<char, 65536> block{};
    const ssize_t n = ::read(output_.get(), block.data(), block.size());
    if (n > 0) on_output({block.data(), static_cast<std::size_t>(n)});
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void read_rest(const app::OnOutput& on_output) {
    while (output_) {
      pollfd watched{output_.get(), POLLIN, 0};
      if (::poll(&watched, 1, kLastOutputMillis) <= 0 || !read_some(on_output)) output_.reset();
    }
  }

  void end_all() {
    ::kill(-pid_, SIGKILL);
    if (const Status ended = end_marked_processes(command_.marker, pid_); !ended) {
      log::warn("shell", "{}", ended.error().message);
    }
  }

  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  const ChildCommand& command_;
  pid_t pid_;
  sys::UniqueFd handle_;
  sys::UniqueFd output_;
};

}  // namespace

Result<app::ScriptExit> run_child(const ChildCommand& command, const app::OnOutput& on_output,
                                  const sys::StopFlag& cancel) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys::errno_error("pipe", errno);
  sys::UniqueFd read(ends[0]);
  sys::UniqueFd write(ends[1]);
  TG_TRY(const pid_t pid, spawn(command, write.get()));
  write.reset();
  return Running(command, pid, std::move(read)).wait(on_output, cancel);
}

}  // namespace tidegate::shell
