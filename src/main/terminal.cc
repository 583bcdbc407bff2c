#include "main/terminal.h"

#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace tidegate::main {

std::string_view environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

Terminal terminal_of(std::FILE* file) {
  Terminal terminal;
  terminal.is_terminal = isatty(fileno(file)) == 1;
  terminal.can_redraw =
      terminal.is_terminal && !environment_variable("TERM").empty() && environment_variable("TERM") != "dumb";
  terminal.color = terminal.can_redraw && environment_variable("NO_COLOR").empty();
  return terminal;
}

app::TerminalSize size_of(std::FILE* file) {
  winsize size{};
  if (ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace tidegate::main
