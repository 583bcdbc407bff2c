#include "app/server/listings.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/log.h"
#include "base/text.h"
#include "dataset/intake.h"

namespace tidegate::app {
namespace {

/// Keys that are compared, and held in memory, together.
constexpr std::size_t kBatch = 2000;
/// New objects that are taken in by one transaction.
constexpr std::size_t kAccepted = 200;
/// A listing keeps one worker; the others are for what people wait for.
constexpr int kMostRunning = 2;

}  // namespace

dataset::ObjectEvent listed_event(const ObjectInfo& info, bool is_file) {
  dataset::ObjectEvent event;
  event.provider = is_file ? "file" : "listing";
  event.bucket = info.bucket;
  event.key = info.key;
  event.version_id = info.version_id;
  event.etag = info.etag;
  event.size = info.size;
  event.occurred_at = info.modified_at;
  event.origin = is_file ? dataset::Origin::kDirectory : dataset::Origin::kListing;
  return event;
}

void Listings::begin(ProjectId project, const config::DataSource& source) {
  const auto address = dataset::parse_source(source.source);
  if (!address || !under_way_.emplace(project, source.name).second) return;
  Work work{project, source, *address, {}, ports_.clock.now()};
  const auto baseline = ports_.store.source_baseline(project, source.name);
  const auto left = ports_.store.listing(project, source.name);
  if (!baseline || !left) return end(work, baseline ? left.error() : baseline.error());
  work.record = left->value_or(ListingRecord{!baseline->has_value(), ports_.clock.now(), "", 0});
  if (running_ < kMostRunning) return start(work);
  queue_.push(std::move(work));
}

void Listings::start(const Work& work) {
  ++running_;
  in_background(
      ports_.workers, ports_.loop, [this, work] { return run(work); },
      [this, work](const Result<std::int64_t>& objects) {
        --running_;
        if (objects && work.record.baseline)
          log::info("data", "{}: baseline of {} objects at {}", work.source.name, *objects,
                    work.source.source);
        if (!queue_.empty()) {
          const Work next = std::move(queue_.front());
          queue_.pop();
          start(next);
        }
        end(work, objects ? Status{} : Status{objects.error()});
      });
}

void Listings::end(const Work& work, const Status& status) {
  under_way_.erase({work.project, work.source.name});
  if (!status)
    log::warn("data", "{}: listing failed: {}; trying again later", work.source.name, status.error().message);
  done_(work.project, work.source, ports_.clock.now() - work.begun);
}

// On a worker, to the end of the listing; the store is asked on the state thread, a batch at a time.
Result<std::int64_t> Listings::run(Work work) const {
  std::vector<ObjectInfo> batch;
  Status taken;
  TG_CHECK(storage_of(work).list(
      work.address.bucket, work.address.prefix, work.record.after,
      [&](const ObjectInfo& info) {
        // Only when there is one more it is known that the batch is not the last.
        if (batch.size() == kBatch) {
          taken = take(work, batch, false);
          batch.clear();
        }
        batch.push_back(info);
        return taken.has_value();
      },
      &ports_.stop));
  TG_CHECK(taken);
  TG_CHECK(take(work, batch, true));
  return work.record.objects;
}

Status Listings::take(Work& work, const std::vector<ObjectInfo>& batch, bool is_last) const {
  TG_TRY(std::vector<ObjectInfo> unknown, ports_.loop.call([&] { return compare(work, batch); }));
  work.record.objects += std::ssize(batch);
  if (!batch.empty()) work.record.after = batch.back().key;
  if (work.record.baseline) {
    std::vector<ObjectInfo> arrived;
    // With the place in one transaction: a crash in between records nothing twice and leaves nothing out.
    TG_CHECK(ports_.loop.call([&] {
      return ports_.store.transaction([&]() -> Status {
        TG_CHECK(record_baseline(work, unknown, arrived));
        return arrived.empty() ? advance(work, is_last) : Status{};
      });
    }));
    if (arrived.empty()) return {};
    unknown = std::move(arrived);
  }
  if (!unknown.empty()) TG_CHECK(announce(work, unknown));
  return ports_.loop.call([&] { return ports_.store.transaction([&] { return advance(work, is_last); }); });
}

// Those of the batch that are not on record as they are.
Result<std::vector<ObjectInfo>> Listings::compare(const Work& work,
                                                  const std::vector<ObjectInfo>& batch) const {
  std::vector<ObjectInfo> unknown;
  if (batch.empty()) return unknown;
  const auto [first, last] = std::ranges::minmax(batch, {}, &ObjectInfo::key);
  TG_TRY(const auto keys, ports_.store.keys_between(work.project, work.source.name, first.key, last.key));
  for (const ObjectInfo& info : batch) {
    const auto known = std::ranges::lower_bound(
        keys, info.key, {}, [](const auto& key) -> const std::string& { return key.first; });
    const bool is_known = known != keys.end() && known->first == info.key;
    if (is_known &&
        (work.record.baseline || (known->second.etag == info.etag && known->second.size == info.size)))
      continue;  // an event was quicker than the baseline, or nothing has changed
    unknown.push_back(info);
  }
  return unknown;
}

// What was written since the baseline was begun is no part of it, however long it takes. (Not what bears a
// time that is still to come: folders keep the times that files were copied with.)
Status Listings::record_baseline(const Work& work, const std::vector<ObjectInfo>& unknown,
                                 std::vector<ObjectInfo>& arrived) const {
  for (const ObjectInfo& info : unknown) {
    if (info.modified_at > work.record.started_at && info.modified_at <= ports_.clock.now()) {
      arrived.push_back(info);
      continue;
    }
    const auto event = listed_event(info, work.address.is_file);
    TG_CHECK(ports_.store.set_key(work.project, work.source.name, info.key,
                                  {{dataset::identity(event), "", event.occurred_at}, info.etag, info.size}));
  }
  return {};
}

// A listing does not tell version ids, and an event of the same object may still come: both must have one
// identity, so the version is asked for first.
Status Listings::announce(const Work& work, const std::vector<ObjectInfo>& unknown) const {
  log::info("data", "{}: the listing shows {} objects that no event told of", work.source.name,
            unknown.size());
  std::vector<dataset::ObjectEvent> events;
  const auto accept = [&]() -> Status {
    TG_CHECK(ports_.loop.call([&] { return accept_(work.project, work.source, events); }));
    events.clear();
    return {};
  };
  for (const ObjectInfo& info : unknown) {
    if (ports_.stop.stop_requested()) return fail(Errc::kCanceled, "the server is going down");
    // Gone or replaced since: the next listing tells.
    if (const auto exact = storage_of(work).head(info.bucket, info.key, ""))
      events.push_back(listed_event(*exact, work.address.is_file));
    if (events.size() == kAccepted) TG_CHECK(accept());
  }
  return accept();
}

// Where the listing is. One that was over at once leaves no trace.
Status Listings::advance(const Work& work, bool is_last) const {
  if (!is_last) return ports_.store.save_listing(work.project, work.source.name, work.record);
  if (work.record.baseline)
    TG_CHECK(ports_.store.set_source_baseline(work.project, work.source.name, ports_.clock.now()));
  if (work.record.objects <= static_cast<std::int64_t>(kBatch)) return {};
  return ports_.store.end_listing(work.project, work.source.name);
}

}  // namespace tidegate::app
