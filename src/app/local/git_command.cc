#include "app/local/git_command.h"

#include "sys/process.h"

namespace tidegate::app {

Result<std::string> run_git(const std::filesystem::path& directory, std::vector<std::string> arguments) {
  sys::Command command;
  command.argv = {"git", "-C", directory.native()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.extra_environment = {{"GIT_OPTIONAL_LOCKS", "0"}, {"GIT_TERMINAL_PROMPT", "0"}, {"LC_ALL", "C"}};
  return sys::run_checked(command);
}

}  // namespace tidegate::app
