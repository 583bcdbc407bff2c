// Rollbacks by hand, as deliveries: on record before anything moves, and with their outcome.
#include <algorithm>

#include <fmt/core.h>

#include "app/server/deliveries.h"
#include "app/server/delivery_words.h"
#include "app/server/lineage_log.h"
#include "base/log.h"
#include "base/sha256.h"

namespace tidegate::app {
namespace {

constexpr std::int64_t kLooked = 200;

// The newest that went live on the target. Null: none did.
const Delivery* live_one(const std::vector<Delivery>& newest_first) {
  const auto at = std::ranges::find(newest_first, kLive, &Delivery::state);
  return at == newest_first.end() ? nullptr : &*at;
}

}  // namespace

Result<Delivery> Deliveries::begin_rollback(const Project& project, DeliveryKind kind,
                                            const std::string& target, const std::string& place) {
  return ports_.loop.call([&]() -> Result<Delivery> {
    Delivery delivery;
    delivery.kind = kind;
    delivery.key = "hand-" + random_hex(6);
    delivery.project = project.id;
    delivery.target = target;
    delivery.place = place;
    delivery.state = kRunning;
    delivery.created_at = ports_.clock.now();
    TG_TRY(const auto before, ports_.store.deliveries(project.id, target, kLooked));
    if (const Delivery* live = live_one(before); live != nullptr) delivery.previous = live->release;
    TG_TRY(delivery.id, ports_.store.add_delivery(delivery));
    return delivery;
  });
}

// What the release was made of is known from when it was delivered first.
Status Deliveries::finish_rollback(Delivery delivery, bool moved, const std::string& live,
                                   const std::string& message) {
  delivery.state = moved ? kLive : kFailed;
  delivery.release = live;
  delivery.message = "rolled back by hand" + (message.empty() ? "" : ": " + message);
  TG_TRY(const auto before, ports_.loop.call([&] {
    return ports_.store.deliveries(delivery.project, delivery.target, kLooked);
  }));
  const auto made = std::ranges::find_if(before, [&](const Delivery& other) {
    return other.release == live && !live.empty() && other.id != delivery.id;
  });
  if (made != before.end()) {
    delivery.repository = made->repository;
    delivery.digest = made->digest;
  }
  return finish(std::move(delivery), false);
}

// Nobody asks again for this one; what is live now only the host or the database knows.
Error Deliveries::given_up(Delivery delivery, Error error) {
  delivery.state = kFailed;
  delivery.message = "rolled back by hand: " + error.message;
  if (Status finished = finish(std::move(delivery), false); !finished)
    log::error("rollback", "{}", finished.error().message);
  return error;
}

Status Deliveries::resume() {
  TG_TRY(const auto open, ports_.store.open_rollbacks());
  for (Delivery delivery : open) {
    delivery.state = kFailed;
    delivery.message =
        "rolled back by hand: the server ended before it knew the outcome; `tidegate releases " +
        delivery.target + "` asks the place itself";
    delivery.finished_at = ports_.clock.now();
    TG_CHECK(ports_.store.transaction([&]() -> Status {
      TG_CHECK(ports_.store.save_delivery(delivery));
      return record_delivery(ports_.store, delivery, ports_.clock.now());
    }));
  }
  return {};
}

}  // namespace tidegate::app
