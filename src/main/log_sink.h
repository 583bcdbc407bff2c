// Where log lines go: spdlog behind the façade, in this one file.
#pragma once

namespace tidegate::main {

/// Coloured on a terminal, with time and level; `verbose` adds debug lines. Call before threads start.
void install_log_sink(bool verbose);

}  // namespace tidegate::main
