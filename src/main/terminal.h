// What is known of the terminal that output goes to.
#pragma once

#include <cstdio>
#include <string_view>

#include "app/local/live_frame.h"

namespace tidegate::main {

struct Terminal {
  bool is_terminal = false;
  bool can_redraw = false;  ///< a terminal, and TERM is not "dumb"
  bool color = false;       ///< can_redraw, and NO_COLOR is not set (no-color.org)
};
Terminal terminal_of(std::FILE* file);

/// A variable of this process's environment; empty when it is not set.
std::string_view environment_variable(const char* name);

/// Its size now; 80 by 24 when it does not say.
app::TerminalSize size_of(std::FILE* file);

}  // namespace tidegate::main
