#include "dataset/diagnosis.h"

#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::dataset {
namespace {

constexpr std::array<std::pair<Probe, std::string_view>, kProbes> kProbeWords{
    {{Probe::kOldData, "old-data"}, {Probe::kAgain, "again"}, {Probe::kOldCode, "old-code"}}};
constexpr std::array<std::pair<ProbeResult, std::string_view>, 4> kResultWords{
    {{ProbeResult::kNotRun, ""},
     {ProbeResult::kPassed, "passed"},
     {ProbeResult::kFailed, "failed"},
     {ProbeResult::kCannotTell, "cannot tell"}}};

Conclusion after_old_data_failed(const Findings& findings) {
  if (findings.old_code == OldCode::kSame)
    return {Fault::kUnknown,
            "the same code has passed before and fails now with the data that it names: something outside of "
            "both has changed"};
  if (findings.old_code == OldCode::kNone || findings.of(Probe::kOldCode) == ProbeResult::kCannotTell)
    return {Fault::kBadCode, "the earlier data fails with this code too"};
  if (findings.of(Probe::kOldCode) == ProbeResult::kPassed)
    return {Fault::kBadCode,
            "the earlier data fails with this code too, and the new data passes with the last code that was "
            "good"};
  return {Fault::kUnknown,
          "the earlier data fails with this code, and the new data with the last code that was good: both "
          "are at fault, or "
          "something outside of them"};
}

Conclusion after_again(const Findings& findings) {
  if (findings.of(Probe::kAgain) == ProbeResult::kPassed)
    return {Fault::kFlaky, "the same commit passed when it ran again"};
  if (findings.of(Probe::kOldData) != ProbeResult::kPassed)
    return {Fault::kUnknown, "there is nothing to compare it with: the earlier data could not be tested"};
  if (findings.of(Probe::kAgain) == ProbeResult::kCannotTell)
    return {Fault::kUnknown,
            "the earlier data passes with this code, but the new data could not be tested again"};
  return {Fault::kBadData, "the earlier data passes with this code, and this data failed twice"};
}

}  // namespace

std::string_view to_string(Probe probe) {
  return kProbeWords[static_cast<std::size_t>(probe)].second;
}
std::optional<Probe> parse_probe(std::string_view text) {
  for (const auto& [value, word] : kProbeWords) {
    if (word == text) return value;
  }
  return std::nullopt;
}

std::string_view to_string(ProbeResult result) {
  return kResultWords[static_cast<std::size_t>(result)].second;
}
ProbeResult parse_probe_result(std::string_view text) {
  for (const auto& [value, word] : kResultWords) {
    if (word == text) return value;
  }
  return ProbeResult::kNotRun;
}

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::kBadData:
      return "bad data";
    case Fault::kBadCode:
      return "bad code";
    case Fault::kFlaky:
      return "flaky";
    case Fault::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::variant<Probe, Conclusion> next_probe(const Findings& findings) {
  const ProbeResult old_data = findings.of(Probe::kOldData);
  if (old_data == ProbeResult::kNotRun) return Probe::kOldData;
  if (old_data == ProbeResult::kFailed) {
    if (findings.old_code == OldCode::kOlder && findings.of(Probe::kOldCode) == ProbeResult::kNotRun)
      return Probe::kOldCode;
    return after_old_data_failed(findings);
  }
  if (findings.of(Probe::kAgain) == ProbeResult::kNotRun) return Probe::kAgain;
  return after_again(findings);
}

std::optional<std::string> why_no_diagnosis(const DiagnosisRules& rules, const FailedRun& run) {
  if (!rules.diagnose) return "the source's `on_failure` says `diagnose: false`";
  if (!run.by_script) return "no script has failed";
  if (run.took > rules.longest)
    return fmt::format("the pipeline ran longer than {}",
                       format_duration(std::chrono::duration_cast<Seconds>(rules.longest)));
  if (run.diagnosed_today >= rules.per_day)
    return fmt::format("{} failures of this source were looked into within a day", run.diagnosed_today);
  return std::nullopt;
}

}  // namespace tidegate::dataset
