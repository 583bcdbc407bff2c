#include "app/server/tracker.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/server/delivery_words.h"
#include "app/server/lineage_log.h"
#include "base/log.h"

namespace tidegate::app {
namespace {

constexpr std::int64_t kDeliveries = 200;
constexpr std::size_t kAsked = 2;  // the live release, and the one before: its last runs may be told late

std::string number(std::int64_t version) {
  return version == 0 ? std::string() : fmt::format("{}", version);
}

std::string without_version(const std::string& uri) {
  return uri.substr(0, uri.find("?versionId="));
}

std::vector<Delivery> live_ones(const std::vector<Delivery>& all) {
  std::vector<Delivery> out;
  std::ranges::copy_if(all, std::back_inserter(out), [](const Delivery& d) {
    return d.kind == DeliveryKind::kRelease && d.state == kLive && !d.release.empty();
  });
  return out;
}

}  // namespace

bool is_run_of(const TrackedRun& run, const Project& project) {
  const auto owner = run.tags.find("cd.project");
  return owner != run.tags.end() && owner->second == project.path && run.tags.contains(kReleaseTag);
}

void Tracker::start() {
  if (!ports_.tracking) return;
  look();
  ports_.loop.post_after(ports_.settings.tracking_poll, [this] { start(); });
}

void Tracker::soon() {
  if (ports_.tracking) ports_.loop.post([this] { look(); });
}

void Tracker::look() {
  if (busy_) {
    again_ = true;
    return;
  }
  auto watched = watches();
  if (!watched) return log::error("tracker", "{}", watched.error().message);
  if (watched->empty()) return;
  busy_ = true;
  in_background(
      ports_.workers, ports_.loop,
      [this, watched = std::move(*watched), now = ports_.clock.now()]() mutable {
        return ask(*ports_.tracking(), std::move(watched), now);
      },
      [this](const Found& found) {
        busy_ = false;
        take(found);
        if (std::exchange(again_, false)) look();
      });
}

Result<std::vector<Tracker::Watch>> Tracker::watches() {
  std::vector<Watch> out;
  TG_TRY(const auto projects, ports_.store.projects());
  for (const Project& project : projects) {
    const config::ProjectFile* file = sources_.file(project.id);
    if (file == nullptr) continue;
    for (const config::Target& target : file->targets) {
      if (!target.mlflow) continue;
      TG_TRY(auto one, watch(project, target));
      if (!one.line.empty()) out.push_back(std::move(one));
    }
  }
  return out;
}

Result<Tracker::Watch> Tracker::watch(const Project& project, const config::Target& target) {
  Watch out{project, target, {}, {}};
  TG_TRY(const auto all, ports_.store.deliveries(project.id, target.name, kDeliveries));
  const auto live = live_ones(all);
  std::vector<release::Delivered> delivered;
  for (const Delivery& d : live) delivered.push_back({d.release, d.previous});
  for (const std::string& name : release::line_of_releases(delivered)) {
    const auto first =
        std::find_if(live.rbegin(), live.rend(), [&](const Delivery& d) { return d.release == name; });
    if (first == live.rend()) break;
    Watched watched{name, first->key, first->pipeline, {}, {}};
    TG_TRY(watched.input, input_of(*first));
    TG_TRY(watched.runs, ports_.store.training_runs(project.id, name));
    out.line.push_back(std::move(watched));
  }
  for (const std::string& model : target.models) {
    TG_TRY(auto aliases, ports_.store.model_aliases(project.id, target.name, model));
    out.aliases.push_back(std::move(aliases));
  }
  return out;
}

// The data that the release names: the candidate's version, or what the job of an ordinary pipeline was
// given.
Result<std::optional<TrackedInput>> Tracker::input_of(const Delivery& delivery) {
  TG_TRY(const auto pipeline, ports_.store.pipeline(delivery.pipeline));
  if (pipeline && pipeline->version) {
    TG_TRY(const auto v, ports_.store.version(pipeline->version));
    if (v)
      return std::optional(
          TrackedInput{v->source, without_version(v->uri), v->object_version, v->sha256, v->size});
  }
  TG_TRY(const auto job, ports_.store.job(delivery.job));
  if (!job || job->message.data.empty()) return std::optional<TrackedInput>();
  const pipeline::JobData& data = job->message.data.front();
  const auto address = dataset::parse_bound_uri(data.uri);
  return std::optional(TrackedInput{data.source, without_version(data.uri),
                                    address ? address->version_id : "", data.sha256, 0});
}

// Blocking, on a worker.
Tracker::Found Tracker::ask(Tracking& tracking, std::vector<Watch> watches, Instant now) {
  Found found;
  const auto ask_one = [&](Watch& watch) -> Status {
    for (std::size_t i = 0; i < std::min(kAsked, watch.line.size()); ++i)
      TG_CHECK(ask_runs(tracking, watch.project, watch.line[i], now, found));
    return move_aliases(tracking, watch, found);
  };
  for (Watch& watch : watches) {
    const Status status = ask_one(watch);
    if (!status) found.status = status;
    if (!status && status.error().code == Errc::kUnavailable) break;
  }
  return found;
}

Status Tracker::ask_runs(Tracking& tracking, const Project& project, Watched& watched, Instant now,
                         Found& found) {
  TG_TRY(const auto told, tracking.runs_with_tag(kReleaseTag, watched.release));
  for (const TrackedRun& run : told) {
    if (!is_run_of(run, project)) continue;
    auto known = std::ranges::find(watched.runs, run.run_id, &TrainingRun::run_id);
    const bool is_new = known == watched.runs.end();
    if (is_new) {
      watched.runs.push_back({run.run_id, run.experiment_id, watched.delivery, watched.release, false, now});
      known = std::prev(watched.runs.end());
    }
    Status logged;
    const bool tells = watched.input && !known->input_logged;
    if (tells) logged = tracking.log_input(run.run_id, *watched.input);
    known->input_logged = known->input_logged || (tells && logged);
    if (is_new || (tells && logged)) found.runs.push_back({project.id, watched.pipeline, *known});
    TG_CHECK(logged);
  }
  return {};
}

// The one before first: whoever looks in between finds the version that was the champion under both names.
Status Tracker::move_aliases(Tracking& tracking, const Watch& watch, Found& found) {
  std::vector<std::vector<std::string>> runs;
  for (const Watched& watched : watch.line) {
    auto& ids = runs.emplace_back();
    for (const TrainingRun& run : watched.runs) ids.push_back(run.run_id);
  }
  for (std::size_t i = 0; i < watch.target.models.size(); ++i) {
    const std::string& model = watch.target.models[i];
    const ModelAliases& set = watch.aliases[i];
    TG_TRY(const auto told, tracking.model_versions(model));
    std::vector<release::ModelVersion> versions;
    for (const TrackedModelVersion& v : told) {
      if (v.ready) versions.push_back({v.version, v.run_id});
    }
    const auto wanted = release::alias_targets(runs, versions);
    if (!wanted) continue;
    const ModelAliases now{number(wanted->champion), number(wanted->previous)};
    Moved moved{watch.project.id, watch.line.front().pipeline, watch.target.name, model, now, {}};
    const auto move = [&](const std::string& alias, const std::string& from,
                          const std::string& to) -> Status {
      if (from == to) return {};
      TG_CHECK(tracking.set_alias(model, alias, to));
      moved.facts.push_back({model, alias, from, to, watch.line.front().release});
      return {};
    };
    TG_CHECK(move(watch.target.previous, set.previous, now.previous));
    TG_CHECK(move(watch.target.champion, set.champion, now.champion));
    if (!moved.facts.empty()) found.aliases.push_back(std::move(moved));
  }
  return {};
}

// What was done in the tracker and did not come to be stored here is done again, and changes nothing there.
void Tracker::take(const Found& found) {
  if (!found.status && !down_) log::warn("tracker", "{}; trying again", found.status.error().message);
  down_ = !found.status;
  const Instant now = ports_.clock.now();
  const Status stored = ports_.store.transaction([&]() -> Status {
    for (const SeenRun& seen : found.runs) {
      TG_CHECK(ports_.store.put_training_run(seen.project, seen.run));
      TG_CHECK(record_run(ports_.store, seen.project, seen.run, seen.pipeline, now));
    }
    for (const Moved& moved : found.aliases) {
      TG_CHECK(ports_.store.put_model_aliases(moved.project, moved.target, moved.model, moved.now));
      for (const auto& fact : moved.facts)
        TG_CHECK(record_alias(ports_.store, moved.project, fact, moved.pipeline, now));
    }
    return {};
  });
  if (!stored) log::error("tracker", "{}", stored.error().message);
}

}  // namespace tidegate::app
