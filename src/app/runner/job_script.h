// From the lines of `script:` to the text that a shell runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::app {

/// A POSIX shell script that prints each entry as `$ entry` in green before it runs it, and ends at the first
/// that fails. Of an entry with several lines only the first is printed. Entries are one program, as on
/// GitLab: `cd` and variables last, and an `if` may begin in one and end in another. Values of variables are
/// never spliced in; they come through the environment.
/// Source: GitLab Runner, shells/bash.go and shells/abstract.go.
std::string make_script(const std::vector<std::string>& entries);

}  // namespace tidegate::app
