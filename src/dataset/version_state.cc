#include "dataset/version_state.h"

#include <array>
#include <utility>

namespace tidegate::dataset {
namespace {

constexpr std::array<std::pair<VersionState, std::string_view>, 12> kVersionStates{{
    {VersionState::kBaseline, "baseline"},
    {VersionState::kWaiting, "waiting"},
    {VersionState::kFetching, "fetching"},
    {VersionState::kBinding, "binding"},
    {VersionState::kTesting, "testing"},
    {VersionState::kPromoting, "promoting"},
    {VersionState::kRollingBack, "rolling_back"},
    {VersionState::kDiagnosing, "diagnosing"},
    {VersionState::kLive, "live"},
    {VersionState::kRejected, "rejected"},
    {VersionState::kSuperseded, "superseded"},
    {VersionState::kSkipped, "skipped"},
}};

}  // namespace

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
  return state == VersionState::kBaseline || state == VersionState::kLive ||
         state == VersionState::kRejected || state == VersionState::kSuperseded ||
         state == VersionState::kSkipped;
}

bool is_under_way(VersionState state) {
  return !is_final(state) && state != VersionState::kWaiting && state != VersionState::kDiagnosing;
}

}  // namespace tidegate::dataset
