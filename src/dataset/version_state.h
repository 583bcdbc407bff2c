// VersionState: where a dataset version is on its way from "landed" to "live". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidegate::dataset {

/// The life of a dataset version. Those that are not final are taken up again after a restart.
enum class VersionState : std::uint8_t {
  kBaseline,     ///< final: was there before we looked; nothing ran for it
  kWaiting,      ///< for the quiet period, or for the version before it
  kFetching,     ///< its bytes are being copied and hashed
  kBinding,      ///< a candidate commit is being made
  kTesting,      ///< its pipeline runs
  kPromoting,    ///< main and latest are being moved
  kRollingBack,  ///< its releases and graphs are being taken back
  kDiagnosing,   ///< it has failed and been taken back; probes find out why
  kLive,         ///< final: promoted
  kRejected,     ///< final: its pipeline failed, or it could not be bound
  kSuperseded,   ///< final: a newer version came before this one ran
  kSkipped,      ///< final: somebody said that it is not to run
};
std::string_view to_string(VersionState state);
std::optional<VersionState> parse_version_state(std::string_view text);
bool is_final(VersionState state);

/// A candidate of it may still be promoted: it keeps those that landed later waiting.
bool is_under_way(VersionState state);

}  // namespace tidegate::dataset
