// Drift: what is live on hosts, compared with what was made live; asked for, and every now and then.
#include <fmt/core.h>

#include "app/server/deliveries.h"
#include "app/server/delivery_words.h"
#include "base/log.h"

namespace tidegate::app {

Result<std::vector<TargetDrift>> Deliveries::drift(ProjectId id, const std::string& name) {
  if (ports_.deployer == nullptr) return fail(Errc::kEnvironment, "the server has no hosts configured");
  TG_TRY(const auto at, head(id));
  TG_TRY(const auto file, project_file(at.first, at.second));
  if (!name.empty() && by_name(file.targets, name) == nullptr) return unknown("target", name, file.targets);
  std::vector<TargetDrift> out;
  for (const config::Target& target : file.targets)
    if (name.empty() || target.name == name) out.push_back(drift_of(id, target));
  return out;
}

TargetDrift Deliveries::drift_of(ProjectId project, const config::Target& target) {
  TargetDrift out;
  out.target = target.name;
  out.at = ports_.clock.now();
  auto found = ports_.deployer->drift(target, &ports_.stop);
  if (found) {
    out.found = std::move(*found);
  } else {
    out.unknown = found.error().message;
  }
  if (!out.found.empty()) {
    const auto& first = out.found.front();
    log::warn("drift", "{}: {} differ from what was made live, first {} {} {} on {}", target.name,
              out.found.size(), first.member, first.kind, first.path, first.host);
  }
  const std::lock_guard guard(mutex_);
  drifts_[{project, target.name}] = out;
  return out;
}

std::optional<TargetDrift> Deliveries::last_drift(ProjectId project, const std::string& target) {
  const std::lock_guard guard(mutex_);
  const auto it = drifts_.find({project, target});
  return it == drifts_.end() ? std::nullopt : std::optional(it->second);
}

// On the loop; the hosts are asked on a worker, one after the other.
void Deliveries::watch_drift() {
  if (ports_.settings.drift_every.count() == 0 || ports_.deployer == nullptr) return;
  ports_.loop.post_after(ports_.settings.drift_every, [this] {
    const auto projects = ports_.store.projects();
    if (!projects) log::warn("drift", "{}", projects.error().message);
    in_background(
        ports_.workers, ports_.loop,
        [this, all = projects.value_or(std::vector<Project>())] {
          for (const Project& project : all) {
            const auto found = drift(project.id, "");
            if (!found && found.error().code != Errc::kNotFound)
              log::warn("drift", "{}: {}", project.path, found.error().message);
          }
          return true;
        },
        [this](bool) { watch_drift(); });
  });
}

}  // namespace tidegate::app
