#include "app/runner/job_script.h"

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

// The entry as the log shows it.
std::string shown(std::string_view entry) {
  const std::string_view text = trim(entry);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::string(text);
  return fmt::format("{} # collapsed multi-line command", trim(text.substr(0, end)));
}

}  // namespace

std::string make_script(const std::vector<std::string>& entries) {
  // Not every sh knows pipefail (dash does not), and one that does not would end here.
  std::string script =
      "if (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n"
      "set -e\n"
      "set +o noclobber\n";
  for (const std::string& entry : entries) {
    if (trim(entry).empty()) continue;
    script += fmt::format("printf '%s\\n' {}\n", shell_quote("\x1b[32;1m$ " + shown(entry) + "\x1b[0;m"));
    script += entry;
    script += '\n';
  }
  // As on GitLab, the status of the last entry counts only where `set -e` lets it: `false || true` is fine,
  // and so is `[ -f x ] && rm x`.
  script += "exit 0\n";
  return script;
}

}  // namespace tidegate::app
