#include "sys/child.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

extern char** environ;

namespace tidegate::sys {
namespace {

bool is_executable_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// A name with a slash is a path from where the child starts, as execve will read it.
std::optional<std::string> locate(const Command& command) {
  const std::string& name = command.argv[0];
  if (name.find('/') == std::string::npos) return find_program(name);
  const std::filesystem::path seen = command.directory / name;  // an absolute name stays as it is
  return is_executable_file(seen) ? std::optional(name) : std::nullopt;
}

std::vector<std::string> environment_of(const Command& command) {
  std::map<std::string, std::string> all;
  if (command.environment) {
    all = *command.environment;
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::size_t equals = text.find('=');
      if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  for (const auto& [name, value] : command.extra_environment) all.insert_or_assign(name, value);
  std::vector<std::string> entries;
  entries.reserve(all.size());
  for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The C structures of posix_spawn, freed when this goes.
struct SpawnSetup {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};

  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

// posix_spawn: between its vfork and exec only glibc's own prepared code runs, so it is safe with threads,
// and a failed exec is reported here rather than as an exit code. Descriptors from 3 up are closed in the
// child even where some library forgot close-on-exec.
Result<pid_t> spawn(const std::string& program, const Command& command, int in, int out, int err) {
  SpawnSetup setup;
  ::posix_spawn_file_actions_adddup2(&setup.actions, in, 0);
  ::posix_spawn_file_actions_adddup2(&setup.actions, out, 1);
  ::posix_spawn_file_actions_adddup2(&setup.actions, err, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&setup.actions, 3);
  if (!command.directory.empty()) {
    ::posix_spawn_file_actions_addchdir_np(&setup.actions, command.directory.c_str());
  }
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&setup.attributes, &none);
  ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (command.own_group) {
    ::posix_spawnattr_setpgroup(&setup.attributes, 0);
    flags |= POSIX_SPAWN_SETPGROUP;
  }
  ::posix_spawnattr_setflags(&setup.attributes, static_cast<short>(flags));

  std::vector<std::string> argv = command.argv;
  std::vector<std::string> environment = environment_of(command);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), &setup.actions, &setup.attributes,
                                  pointers(argv).data(), pointers(environment).data());
  if (error != 0) {
    Error failure = errno_error(fmt::format("run {}", printable(program)), error);
    failure.code = error == E2BIG ? Errc::kInvalid : Errc::kEnvironment;
    return failure;
  }
  return pid;
}

}  // namespace

Status check_command(const Command& command) {
  if (command.argv.empty() || command.argv[0].empty()) return fail(Errc::kInvalid, "run: no program named");
  const auto has_nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
  if (std::ranges::any_of(command.argv, has_nul)) {
    return fail(Errc::kInvalid, fmt::format("run {}: an argument holds a NUL byte", command.argv[0]));
  }
  for (const auto* map :
       {command.environment ? &*command.environment : nullptr, &command.extra_environment}) {
    if (map == nullptr) continue;
    for (const auto& [name, value] : *map) {
      if (name.empty() || has_nul(name) || has_nul(value) || name.find('=') != std::string::npos) {
        return fail(Errc::kInvalid, fmt::format("run {}: the variable {} cannot be passed on",
                                                command.argv[0], printable(name)));
      }
    }
  }
  if (!command.directory.empty()) {
    struct stat info{};
    if (::stat(command.directory.c_str(), &info) != 0) {
      return errno_error(fmt::format("run {} in {}", command.argv[0], printable(command.directory.native())),
                         errno);
    }
    if (!S_ISDIR(info.st_mode)) {
      return fail(Errc::kInvalid, fmt::format("run {} in {}: not a folder", command.argv[0],
                                              printable(command.directory.native())));
    }
  }
  return {};
}

Result<Child> Child::start(const Command& command, int in, int out, int err) {
  const auto program = locate(command);
  if (!program) {
    return fail(Errc::kEnvironment,
                fmt::format("{} is not installed (no such program in PATH)", printable(command.argv[0])));
  }
  TG_TRY(const pid_t pid, spawn(*program, command, in, out, err));
  Child child(pid, command.own_group);
  if (child.pidfd() < 0) return errno_error("pidfd_open", errno);
  return child;
}

Child::Child(pid_t pid, bool group)
    : pid_(pid), group_(group), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}

void Child::signal(int number) const {
  if (pid_ > 0) ::kill(group_ ? -pid_ : pid_, number);
}

std::optional<int> Child::reap() {
  if (pid_ <= 0) return std::nullopt;
  signal(SIGKILL);
  int status = 0;
  pid_t done = -1;
  do {
    done = ::waitpid(pid_, &status, 0);
  } while (done < 0 && errno == EINTR);
  pid_ = -1;
  return done > 0 ? std::optional(status) : std::nullopt;
}

std::optional<std::string> find_program(std::string_view name) {
  if (name.empty()) return std::nullopt;
  if (name.find('/') != std::string_view::npos) {
    std::string path(name);
    return is_executable_file(path) ? std::optional(path) : std::nullopt;
  }
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':')) {
    std::error_code error;
    const auto candidate = std::filesystem::absolute(std::filesystem::path(folder) / name, error).native();
    if (!error && is_executable_file(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace tidegate::sys
