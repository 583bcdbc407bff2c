// Log façade: cheap to include everywhere; the real sink is set once in main.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace tidegate::log {

enum class Level : unsigned char { kDebug, kInfo, kWarn, kError };

/// Where lines go. Called from any thread; must be thread-safe. Set before threads start; the default writes
/// to stderr.
using Sink = std::function<void(Level, std::string_view component, std::string_view message)>;
void set_sink(Sink sink);
void set_level(Level level);
bool enabled(Level level);

void write(Level level, std::string_view component, std::string_view message);

template <class... Args>
void debug(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug))
    write(Level::kDebug, component, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo)) write(Level::kInfo, component, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarn)) write(Level::kWarn, component, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view component, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError))
    write(Level::kError, component, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tidegate::log
