// Diagnosis: whose fault a failed candidate is, by running parts of its pipeline again with one thing
// changed. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.h"

namespace tidegate::dataset {

/// A run of the failed jobs, and of what they need, with one thing changed.
enum class Probe : std::uint8_t {
  kOldData,  ///< the same code on the data that the branch names
  kAgain,    ///< the very same candidate
  kOldCode,  ///< the new data on the last code that these jobs passed with
};
inline constexpr std::size_t kProbes = 3;
std::string_view to_string(Probe probe);
std::optional<Probe> parse_probe(std::string_view text);

enum class ProbeResult : std::uint8_t {
  kNotRun,
  kPassed,
  kFailed,
  kCannotTell,  ///< it could not be run, or did not come to an end of its own
};
std::string_view to_string(ProbeResult result);
ProbeResult parse_probe_result(std::string_view text);

enum class Fault : std::uint8_t {
  kBadData,  ///< old data passes with this code, the new data fails, twice
  kBadCode,  ///< old data fails as well
  kFlaky,    ///< the very same candidate passed the second time
  kUnknown,
};
/// "bad data", "bad code", "flaky", "unknown".
std::string_view to_string(Fault fault);

/// Whether there is older code to compare with.
enum class OldCode : std::uint8_t {
  kNone,   ///< these jobs have never passed
  kSame,   ///< the same code has passed them before
  kOlder,  ///< an older commit has
};

struct Findings {
  std::array<ProbeResult, kProbes> results{};  ///< by Probe
  OldCode old_code = OldCode::kNone;

  ProbeResult of(Probe probe) const { return results[static_cast<std::size_t>(probe)]; }
  ProbeResult& of(Probe probe) { return results[static_cast<std::size_t>(probe)]; }
};

struct Conclusion {
  Fault fault = Fault::kUnknown;
  std::string reason;  ///< for people
};

/// The next run that tells something, or what all of them say together. At most three runs; each result is
/// used once.
std::variant<Probe, Conclusion> next_probe(const Findings& findings);

/// `on_failure:` of a source.
struct DiagnosisRules {
  bool diagnose = true;
  Millis longest{30 * 60 * 1000};  ///< a pipeline that ran longer is not run again
  int per_day = 10;                ///< diagnoses of one source
};
struct FailedRun {
  bool by_script = false;  ///< a job's script failed; not the system, not a person
  Millis took{0};
  int diagnosed_today = 0;  ///< of this source, before this one
};
/// Why the failure is not looked into; nothing: it is.
std::optional<std::string> why_no_diagnosis(const DiagnosisRules& rules, const FailedRun& run);

}  // namespace tidegate::dataset
