// How deliveries end when the pipeline that asked for them is over: taken back, or followed by `latest`.
#include <algorithm>
#include <ranges>

#include <fmt/core.h>

#include "app/server/deliveries.h"
#include "app/server/delivery_words.h"
#include "base/log.h"

namespace tidegate::app {
namespace {

void to_log(std::string_view line) {
  log::info("rollback", "{}", line);
}

// Somebody else's is live by now: it must not be moved because of ours.
template <class T>
bool replaced(const std::vector<T>& all, std::string T::* name, Delivery& delivery) {
  const auto live = std::ranges::find(all, true, &T::live);
  if (live != all.end() && (*live).*name == delivery.release) return false;
  delivery.message = live == all.end() ? "it is not live any more" : "replaced since by " + (*live).*name;
  return true;
}

}  // namespace

Result<std::vector<Delivery>> Deliveries::settle(const Project& project,
                                                 const std::vector<Delivery>& deliveries,
                                                 const std::string& sha) {
  std::vector<Delivery> settled;
  for (const Delivery& one : deliveries) {
    // Whoever is still at work on it is waited for; what comes of it is in the store then.
    const auto lock = lock_of(lock_name(one.kind, project, one.target));
    const std::lock_guard one_at_a_time(*lock);
    TG_TRY(auto delivery, ports_.loop.call([&] { return ports_.store.delivery_by_key(one.key); }));
    if (!delivery) continue;
    if (delivery->state == kRunning) {
      TG_CHECK(close_running(project, *delivery, sha));
      TG_CHECK(finish(*delivery, false));
    }
    settled.push_back(std::move(*delivery));
  }
  return settled;
}

// The job ended without an outcome: its part was down for too long, or somebody canceled it. Before a flip
// nothing was live of it; since then only the host or the database knows.
Status Deliveries::close_running(const Project& project, Delivery& delivery, const std::string& sha) {
  const bool may_be_live = !delivery.release.empty();
  const std::string message = "given up" + (delivery.message.empty() ? "" : ": " + delivery.message);
  TG_TRY(const auto file, project_file(project, sha));
  Status closed;
  if (delivery.kind == DeliveryKind::kRelease) {
    closed = close_release(file, delivery);
  } else if (may_be_live) {
    closed = close_load(file, delivery);
  }
  if (may_be_live) return closed;
  // On a host that does not answer there is at most a lease to give back, and that runs out.
  delivery.state = kFailed;
  delivery.message = message;
  return {};
}

Status Deliveries::close_release(const config::ProjectFile& file, Delivery& delivery) {
  const config::Target* target = by_name(file.targets, delivery.target);
  if (target == nullptr) return unknown("target", delivery.target, file.targets);
  TG_TRY(const auto outcome, ports_.deployer->abandon(*target, delivery.key, to_log, &ports_.stop));
  delivery.state = outcome.live ? kLive : outcome.rolled_back ? kRolledBack : kFailed;
  delivery.previous = outcome.previous;
  delivery.message = outcome.message;
  return {};
}

Status Deliveries::close_load(const config::ProjectFile& file, Delivery& delivery) {
  const config::Graph* graph = by_name(file.graphs, delivery.target);
  if (graph == nullptr) return unknown("graph", delivery.target, file.graphs);
  TG_TRY(const auto versions, ports_.graphs->versions(server_of(*graph), graph->name));
  const auto live = std::ranges::find(versions, true, &GraphVersionInfo::live);
  delivery.state = live != versions.end() && live->version == delivery.release ? kLive : kFailed;
  if (delivery.state == kFailed) delivery.message = "given up: " + delivery.message;
  return {};
}

Status Deliveries::take_back(const Project& project, const std::vector<Delivery>& deliveries,
                             const std::string& sha) {
  TG_TRY(auto settled, settle(project, deliveries, sha));
  for (Delivery& delivery : settled | std::views::reverse) {
    if (delivery.state != kLive) continue;
    const auto lock = lock_of(lock_name(delivery.kind, project, delivery.target));
    const std::lock_guard one_at_a_time(*lock);
    if (delivery.previous.empty()) {
      delivery.message = "kept: there is no earlier version to go back to";
    } else {
      TG_CHECK(flip_back(project, delivery, sha));
    }
    TG_CHECK(finish(delivery, false));
  }
  return {};
}

Status Deliveries::flip_back(const Project& project, Delivery& delivery, const std::string& sha) {
  TG_TRY(const auto file, project_file(project, sha));
  delivery.state = kRolledBack;
  if (delivery.kind == DeliveryKind::kRelease) {
    const config::Target* target = by_name(file.targets, delivery.target);
    if (target == nullptr) return unknown("target", delivery.target, file.targets);
    TG_TRY(const auto releases, ports_.deployer->releases(*target, &ports_.stop));
    if (replaced(releases, &ReleaseInfo::release, delivery)) return {};
    // A name of its own: under the delivery's the host's journal says that it is done.
    TG_TRY(const auto outcome, ports_.deployer->roll_back(*target, delivery.previous, "back-" + delivery.key,
                                                          to_log, &ports_.stop));
    const bool moved = outcome.live || outcome.failed_step == "health";
    if (!moved) delivery.state = kLive;
    delivery.message = moved ? "flipped back to " + outcome.release : "kept: " + outcome.message;
    if (moved && !outcome.live) delivery.message += ", which is not healthy: " + outcome.message;
    return {};
  }
  const config::Graph* graph = by_name(file.graphs, delivery.target);
  if (graph == nullptr) return unknown("graph", delivery.target, file.graphs);
  TG_TRY(const auto versions, ports_.graphs->versions(server_of(*graph), graph->name));
  if (replaced(versions, &GraphVersionInfo::version, delivery)) return {};
  TG_TRY(const auto outcome, ports_.graphs->roll_back(server_of(*graph), graph->name, delivery.previous));
  delivery.message = "flipped back to " + outcome.version;
  return {};
}

Status Deliveries::move_latest(const Project& project, const std::vector<Delivery>& deliveries,
                               const std::string& sha) {
  TG_TRY(const auto settled, settle(project, deliveries, sha));
  for (const Delivery& delivery : settled) {
    if (delivery.kind != DeliveryKind::kRelease || delivery.state != kLive || ports_.registry == nullptr)
      continue;
    TG_CHECK(ports_.registry->tag(delivery.repository, delivery.digest, "latest"));
  }
  return {};
}

}  // namespace tidegate::app
