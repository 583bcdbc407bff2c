// Announcement: what one message of an object store says, whatever envelopes it came in.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dataset/event.h"

namespace tidegate::dataset {

/// "s3:TestEvent": sent once when notifications are set up. It proves that the way from there to us works.
struct ConnectionTest {
  std::string provider;  ///< as the store calls itself: "Amazon S3"
  std::string bucket;
  std::optional<Instant> sent_at;

  friend bool operator==(const ConnectionTest&, const ConnectionTest&) = default;
};

struct Announcement {
  std::vector<ObjectEvent> events;  ///< objects that were created, in the order of the message
  std::vector<ConnectionTest> tests;
  std::size_t ignored = 0;  ///< records of other kinds: deletions, tags, restores
};

}  // namespace tidegate::dataset
