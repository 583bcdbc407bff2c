#include "adapters/shell/process_sweep.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::shell {

namespace fs = std::filesystem;

namespace {

// System calls by number: glibc 2.36 declares the pidfd functions without extern "C".
constexpr int kMostRounds = 50;    // a script that forks faster than it is killed
constexpr int kWaitMillis = 1000;  // for one process to end after SIGKILL

// From /proc/<pid>/stat: "pid (name) state ppid pgrp session …"; the name may hold anything.
struct Stat {
  char state = 'X';
  pid_t session = 0;
  std::int64_t started = 0;  // in ticks since the machine's start
  bool runs() const { return state != 'Z' && state != 'X'; }
};
Stat stat_of(const std::string& folder) {
  const Result<std::string> text = sys::read_file(folder + "/stat", 4096);
  if (!text) return {};
  const std::size_t close = text->rfind(") ");
  if (close == std::string::npos) return {};
  const std::vector<std::string> fields = split(std::string_view(*text).substr(close + 2), ' ');
  constexpr std::size_t kStarted = 19;
  if (fields.size() <= kStarted || fields[0].empty()) return {};
  return {fields[0][0], static_cast<pid_t>(parse_integer(fields[3]).value_or(0)),
          parse_integer(fields[kStarted]).value_or(0)};
}

bool has_marker(const std::string& folder, const std::string& marker) {
  const Result<std::string> environment = sys::read_file(folder + "/environ", 16U << 20U);
  if (!environment) return false;  // gone, or another user's
  return environment->starts_with(marker) || environment->find('\0' + marker) != std::string::npos;
}

// Opened before it is looked at, so that a pid that another process gets later is never signalled.
struct Candidate {
  pid_t pid;
  sys::UniqueFd handle;
};

std::vector<Candidate> find(const std::string& marker, pid_t session) {
  std::vector<Candidate> found;
  // What a session's leader started is not older than the leader. Most processes of a machine are, and of
  // those no more is read.
  const std::int64_t oldest = session != 0 ? stat_of(fmt::format("/proc/{}", session)).started : 0;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().native();
    pid_t pid = 0;
    const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem != std::errc() || rest != name.data() + name.size() || pid <= 1 || pid == ::getpid())
      continue;
    const std::string folder = at->path().native();
    if (stat_of(folder).started < oldest) continue;
    sys::UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!handle) continue;
    const Stat stat = stat_of(folder);
    if (!stat.runs()) continue;
    if ((session != 0 && stat.session == session) || has_marker(folder, marker)) {
      found.push_back({pid, std::move(handle)});
    }
  }
  return found;
}

}  // namespace

Status end_marked_processes(const std::string& marker, pid_t session) {
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<Candidate> found = find(marker, session);
    if (found.empty()) return {};
    for (const Candidate& candidate : found)
      ::syscall(SYS_pidfd_send_signal, candidate.handle.get(), SIGKILL, nullptr, 0);
    for (const Candidate& candidate : found) {
      pollfd waiting{candidate.handle.get(), POLLIN, 0};
      ::poll(&waiting, 1, kWaitMillis);
    }
  }
  return fail(Errc::kUnavailable, "some processes of the job did not end");
}

}  // namespace tidegate::shell
