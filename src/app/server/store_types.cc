// The words of the store's enums.
#include <array>
#include <utility>

#include "app/ports/store.h"

namespace tidegate::app {
namespace {

constexpr std::array<std::pair<VersionState, std::string_view>, 11> kVersionStates{{
    {VersionState::kBaseline, "baseline"},
    {VersionState::kWaiting, "waiting"},
    {VersionState::kFetching, "fetching"},
    {VersionState::kBinding, "binding"},
    {VersionState::kTesting, "testing"},
    {VersionState::kPromoting, "promoting"},
    {VersionState::kRollingBack, "rolling_back"},
    {VersionState::kLive, "live"},
    {VersionState::kRejected, "rejected"},
    {VersionState::kSuperseded, "superseded"},
    {VersionState::kSkipped, "skipped"},
}};

}  // namespace

std::string_view to_string(TokenKind kind) {
  switch (kind) {
    case TokenKind::kAdmin:
      return "admin";
    case TokenKind::kProject:
      return "project";
    case TokenKind::kTrigger:
      return "trigger";
    case TokenKind::kHook:
      return "hook";
  }
  return "project";
}

std::string_view to_string(DeliveryKind kind) {
  return kind == DeliveryKind::kGraph ? "graph" : "release";
}

std::string_view to_string(ContactKind kind) {
  switch (kind) {
    case ContactKind::kTest:
      return "test";
    case ContactKind::kSubscribed:
      return "subscribed";
    case ContactKind::kRefused:
      return "refused";
  }
  return "test";
}

std::string_view to_string(VersionState state) {
  for (const auto& [value, word] : kVersionStates) {
    if (value == state) return word;
  }
  return "rejected";
}

std::optional<VersionState> parse_version_state(std::string_view text) {
  for (const auto& [value, word] : kVersionStates) {
    if (word == text) return value;
  }
  return std::nullopt;
}

bool is_final(VersionState state) {
  switch (state) {
    case VersionState::kBaseline:
    case VersionState::kLive:
    case VersionState::kRejected:
    case VersionState::kSuperseded:
    case VersionState::kSkipped:
      return true;
    case VersionState::kWaiting:
    case VersionState::kFetching:
    case VersionState::kBinding:
    case VersionState::kTesting:
    case VersionState::kPromoting:
    case VersionState::kRollingBack:
      return false;
  }
  return false;
}

}  // namespace tidegate::app
