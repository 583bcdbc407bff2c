#include "dataset/event.h"

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"

namespace tidegate::dataset {

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::kHook:
      return "hook";
    case Origin::kListing:
      return "listing";
    case Origin::kDirectory:
      return "directory";
    case Origin::kManual:
      return "manual";
    case Origin::kQueue:
      return "queue";
  }
  return "hook";
}

std::string identity(const ObjectEvent& event) {
  Sha256 hash;
  // With lengths in front, so that no two different lists of fields read the same.
  const auto add = [&hash](std::string_view field) {
    hash.update(std::to_string(field.size()));
    hash.update(":");
    hash.update(field);
  };
  add(event.bucket);
  add(event.key);
  // "null" is the one version of a bucket whose versioning is off or suspended; it can be overwritten.
  if (!event.version_id.empty() && event.version_id != "null") {
    add("version");
    add(event.version_id);
  } else {
    std::string_view etag = event.etag;
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
    add("etag");
    add(etag);
    add(event.size ? std::to_string(*event.size) : "");
  }
  return hash.hex();
}

int compare_sequencers(std::string_view a, std::string_view b) {
  const std::string left = to_upper(a);
  const std::string right = to_upper(b);
  const std::size_t length = std::max(left.size(), right.size());
  for (std::size_t i = 0; i < length; ++i) {
    const char x = i < left.size() ? left[i] : '0';
    const char y = i < right.size() ? right[i] : '0';
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

}  // namespace tidegate::dataset
