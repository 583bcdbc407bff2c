#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace tidegate::log {
namespace {

// The one place with process-wide state in the house: a log line must be possible from anywhere, even before
// main has wired anything. It is written once, before threads start.
struct State {
  Sink sink;
  std::atomic<Level> level{Level::kInfo};
};

State& state() {
  static State instance;
  return instance;
}

const char* name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "error";
}

}  // namespace

void set_sink(Sink sink) {
  state().sink = std::move(sink);
}
void set_level(Level level) {
  state().level = level;
}
bool enabled(Level level) {
  return level >= state().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view component, std::string_view message) {
  if (state().sink) {
    state().sink(level, component, message);
    return;
  }
  fmt::print(stderr, "{} {}: {}\n", name(level), component, message);
}

}  // namespace tidegate::log
