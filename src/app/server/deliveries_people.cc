// What people ask of releases: what is where, and back to one before.
#include <algorithm>
#include <utility>

#include "app/server/deliveries.h"
#include "app/server/delivery_words.h"
#include "base/log.h"
#include "base/sha256.h"

namespace tidegate::app {
namespace {

constexpr std::int64_t kLooked = 200;  ///< deliveries of a target that are looked through

}  // namespace

Result<std::pair<Project, std::string>> Deliveries::head(ProjectId id) const {
  TG_TRY(const auto project, ports_.loop.call([&] { return ports_.store.project(id); }));
  if (!project) return fail(Errc::kNotFound, "no such project");
  TG_TRY(const auto repository, ports_.repository(*project));
  TG_TRY(auto sha, repository->resolve("refs/heads/" + project->default_branch));
  return std::pair(*project, std::move(sha));
}

// On record before anything moves: `wanted` says what, where and who.
Result<Delivery> Deliveries::begin_by_hand(const Project& project, Delivery wanted) {
  return ports_.loop.call([&]() -> Result<Delivery> {
    wanted.key = key_of("hand-" + random_hex(6));
    wanted.project = project.id;
    wanted.state = kRunning;
    wanted.created_at = ports_.clock.now();
    TG_TRY(const auto before, ports_.store.deliveries(project.id, wanted.target, kLooked));
    const auto live = std::ranges::find(before, kLive, &Delivery::state);
    if (live != before.end()) wanted.previous = live->release;
    TG_TRY(wanted.id, ports_.store.add_delivery(wanted));
    return wanted;
  });
}

// What the release was made of is known from when it was delivered first.
Status Deliveries::finish_by_hand(Delivery& delivery, bool moved, const std::string& message) {
  delivery.state = moved ? kLive : kFailed;
  delivery.message = "rolled back by hand" + (message.empty() ? "" : ": " + message);
  TG_TRY(const auto before, ports_.loop.call([&] {
    return ports_.store.deliveries(delivery.project, delivery.target, kLooked);
  }));
  const auto made = std::ranges::find_if(before, [&](const Delivery& other) {
    return other.release == delivery.release && !other.release.empty() && other.id != delivery.id;
  });
  if (made != before.end()) {
    delivery.repository = made->repository;
    delivery.digest = made->digest;
  }
  return finish(delivery, false);
}

Result<DeliveryReport> Deliveries::roll_back_by_hand(ProjectId id, const std::string& name,
                                                     const std::string& to, const std::string& by,
                                                     const std::function<void(std::string_view)>& say) {
  TG_TRY(const auto at, head(id));
  TG_TRY(const auto file, project_file(at.first, at.second));
  const config::Target* target = by_name(file.targets, name);
  const config::Graph* graph = by_name(file.graphs, name);
  if (target == nullptr && graph == nullptr) return unknown("target or graph", name, file.targets);
  const auto kind = target != nullptr ? DeliveryKind::kRelease : DeliveryKind::kGraph;
  if (target != nullptr && ports_.deployer == nullptr)
    return fail(Errc::kEnvironment, "the server has no hosts configured");
  if (graph != nullptr && target == nullptr && ports_.graphs == nullptr)
    return fail(Errc::kEnvironment, "the server has no graph database configured");
  const auto lock = lock_of(lock_name(kind, at.first, name));
  const std::lock_guard one_at_a_time(*lock);
  bool flipped = false;
  Delivery wanted;
  wanted.kind = kind;
  wanted.target = name;
  wanted.place = target != nullptr ? place_of(*target) : server_of(*graph).http_url;
  wanted.release = to;
  wanted.by = by;
  TG_TRY(Delivery delivery, begin_by_hand(at.first, std::move(wanted)));
  const auto report = target != nullptr ? flip_by_hand(*target, delivery, say, flipped)
                                        : flip_graph_by_hand(*graph, delivery);
  if (report) return report;
  // What has begun to flip is gone on with, now or at the next start; what could not be tried has its
  // outcome.
  if (report.error().code == Errc::kCanceled) return report;
  if (flipped) {
    delivery.message = report.error().message;
    go_on_later(at.first, delivery);
    return with_context("it goes on when all hosts answer", report.error());
  }
  if (const auto saved = finish_by_hand(delivery, false, report.error().message); !saved)
    log::warn("delivery", "{}", saved.error().message);
  return report;
}

Result<DeliveryReport> Deliveries::flip_by_hand(const config::Target& target, Delivery& delivery,
                                                const std::function<void(std::string_view)>& say,
                                                bool& flipped) {
  const auto on_flip = [&](const std::string& release, const std::string&) -> Status {
    delivery.release = release;
    flipped = true;
    return ports_.loop.call([&] { return ports_.store.save_delivery(delivery); });
  };
  TG_TRY(const auto outcome,
         ports_.deployer->roll_back(target, delivery.release, delivery.key, say, &ports_.stop, on_flip));
  const bool moved = outcome.live || outcome.failed_step == "health";
  if (!outcome.release.empty()) delivery.release = outcome.release;
  if (!outcome.previous.empty()) delivery.previous = outcome.previous;
  TG_CHECK(finish_by_hand(delivery, moved, outcome.message));
  return DeliveryReport{outcome.live,
                        outcome.live ? "release " + outcome.release + " is live" : outcome.message};
}

Result<DeliveryReport> Deliveries::flip_graph_by_hand(const config::Graph& graph, Delivery& delivery) {
  TG_TRY(const auto outcome, ports_.graphs->roll_back(server_of(graph), graph.name, delivery.release));
  delivery.release = outcome.version;
  if (!outcome.previous.empty()) delivery.previous = outcome.previous;
  TG_CHECK(finish_by_hand(delivery, outcome.live, ""));
  return DeliveryReport{outcome.live,
                        "graph version " + outcome.version + " is live" + joined(outcome.notes)};
}

// On a worker. A person's rollback that we did not see the end of: the hosts know how far it came.
void Deliveries::go_on_by_hand(const Project& project, Delivery delivery) {
  bool flipped = true;
  const auto done = [&]() -> Status {
    TG_TRY(const auto at, head(project.id));
    TG_TRY(const auto file, project_file(at.first, at.second));
    const config::Target* target = by_name(file.targets, delivery.target);
    const config::Graph* graph = by_name(file.graphs, delivery.target);
    const auto lock = lock_of(lock_name(delivery.kind, project, delivery.target));
    const std::lock_guard one_at_a_time(*lock);
    if (delivery.kind == DeliveryKind::kRelease && target != nullptr && ports_.deployer != nullptr) {
      TG_TRY(
          const auto report,
          flip_by_hand(
              *target, delivery, [](std::string_view line) { log::info("rollback", "{}", line); }, flipped));
      return {};
    }
    if (delivery.kind == DeliveryKind::kGraph && graph != nullptr && ports_.graphs != nullptr) {
      TG_TRY(const auto report, flip_graph_by_hand(*graph, delivery));
      return {};
    }
    return fail(Errc::kNotFound, "its target is not there any more");
  }();
  if (done) return;
  log::warn("rollback", "{} of {}: {}", delivery.key, delivery.target, done.error().message);
  if (done.error().code == Errc::kCanceled) return;  // at the next start
  if (done.error().code == Errc::kUnavailable || done.error().code == Errc::kConflict)
    return go_on_later(project, delivery);
  if (const auto saved = finish_by_hand(delivery, false, done.error().message); !saved)
    log::warn("delivery", "{}", saved.error().message);
}

void Deliveries::go_on_later(const Project& project, const Delivery& delivery) {
  ports_.loop.post_after(Seconds{30}, [this, project, delivery] {
    ports_.workers.post([this, project, delivery] { go_on_by_hand(project, delivery); });
  });
}

Status Deliveries::resume() {
  TG_TRY(const auto open, ports_.store.open_rollbacks());
  for (const Delivery& delivery : open) {
    TG_TRY(const auto project, ports_.store.project(delivery.project));
    if (project)
      ports_.workers.post([this, project = *project, delivery] { go_on_by_hand(project, delivery); });
  }
  return {};
}

Result<std::vector<ReleaseInfo>> Deliveries::releases(ProjectId id, const std::string& name) {
  if (ports_.deployer == nullptr) return fail(Errc::kEnvironment, "the server has no hosts configured");
  TG_TRY(const auto at, head(id));
  TG_TRY(const auto file, project_file(at.first, at.second));
  const config::Target* target = by_name(file.targets, name);
  if (target == nullptr) return unknown("target", name, file.targets);
  return ports_.deployer->releases(*target, &ports_.stop);
}

Result<std::vector<GraphVersionInfo>> Deliveries::graph_versions(ProjectId id, const std::string& name) {
  if (ports_.graphs == nullptr)
    return fail(Errc::kEnvironment, "the server has no graph database configured");
  TG_TRY(const auto at, head(id));
  TG_TRY(const auto file, project_file(at.first, at.second));
  const config::Graph* graph = by_name(file.graphs, name);
  if (graph == nullptr) return unknown("graph", name, file.graphs);
  return ports_.graphs->versions(server_of(*graph), name);
}

}  // namespace tidegate::app
