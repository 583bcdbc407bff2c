#include "app/server/candidates.h"

#include <fmt/core.h>

#include "app/server/family.h"
#include "pipeline/probe.h"

namespace tidegate::app {

std::optional<config::GateSettings> Candidates::settings(ProjectId project, const std::string& source) const {
  if (!sources_.has_read(project)) return std::nullopt;
  const auto found = sources_.find(project, source);
  return found ? found->gate : config::GateSettings{};
}

Result<std::vector<dataset::Car>> Candidates::train(const Version& version) const {
  TG_TRY(auto unfinished, ports_.store.unfinished_versions());
  if (is_final(version.state)) unfinished.push_back(version);
  std::vector<dataset::Car> out;
  for (const Version& one : unfinished) {
    if (one.project != version.project || one.branch != version.branch) continue;
    const auto known = settings(one.project, one.source);
    if (!known) return fail(Errc::kUnavailable, "tidegate.yml has not been read yet");
    out.push_back(
        {one.id, one.source, one.state, known->ordered, one.attempt, one.base_sha, one.candidate_sha});
  }
  return out;
}

Result<bool> Candidates::may_start(const Pipeline& pipeline, const Job& job) const {
  if (!pipeline.version && !is_child(pipeline)) return true;
  TG_TRY(const Pipeline head, head_of(ports_.store, pipeline.id));
  if (!head.version || head.source == kProbeSource) return true;
  if (!pipeline::delivers(job.message, job.environment.has_value(), job.bridge.has_value())) return true;
  TG_TRY(const auto version, ports_.store.version(head.version));
  if (!version) return true;
  const auto cars = train(*version);
  if (!cars && cars.error().code == Errc::kUnavailable) return false;
  if (!cars) return cars.error();
  return dataset::turn_by_order(*cars, version->id) != dataset::Turn::kWait;
}

Result<std::string> Candidates::before(const Version& version) const {
  TG_TRY(const auto cars, train(version));
  const dataset::Car* car = dataset::car_before(cars, version.id);
  if (car == nullptr) return std::string("nobody");
  TG_TRY(const auto other, ports_.store.version(car->id));
  return fmt::format("{} v{}, which landed before it", car->source, other ? other->number : 0);
}

}  // namespace tidegate::app
