#include "main/log_sink.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/log.h"

namespace tidegate::main {
namespace {

spdlog::level::level_enum level_of(log::Level level) {
  switch (level) {
    case log::Level::kDebug:
      return spdlog::level::debug;
    case log::Level::kInfo:
      return spdlog::level::info;
    case log::Level::kWarn:
      return spdlog::level::warn;
    case log::Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void install_log_sink(bool verbose) {
  auto logger = spdlog::stderr_color_mt("tidegate");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  logger->flush_on(spdlog::level::debug);
  log::set_level(verbose ? log::Level::kDebug : log::Level::kInfo);
  log::set_sink([logger](log::Level level, std::string_view component, std::string_view message) {
    logger->log(level_of(level), "{}: {}", component, message);
  });
}

}  // namespace tidegate::main
