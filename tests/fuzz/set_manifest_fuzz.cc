// Manifests of sets from whoever may upload data: whatever the bytes, what is accepted can be files of one
// folder, and its listing is read back as it was written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/s3/manifest.h"
#include "dataset/readiness.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto listing = tidegate::dataset::parse_set_listing(text))
    require(tidegate::dataset::set_listing(*listing) == text);
  const auto manifest = tidegate::s3::parse_manifest(text);
  if (!manifest) return 0;
  const auto members = tidegate::dataset::members_of(*manifest, "team", "in/set.manifest.json", "in/");
  if (!members) return 0;
  std::vector<tidegate::dataset::SetFile> files;
  for (const auto& member : *members) {
    require(member.key.starts_with("in/") && member.key.ends_with(member.name) && !member.name.empty());
    files.push_back({member.name, member.size.value_or(0), std::string(64, 'a')});
  }
  const auto again = tidegate::dataset::parse_set_listing(tidegate::dataset::set_listing(files));
  require(again && again->size() == files.size());
  return 0;
}
