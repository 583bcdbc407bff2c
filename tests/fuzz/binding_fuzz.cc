// Files that anybody may commit: what was bound is what is read, outside of one literal nothing changes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dataset/binding.h"
#include "dataset/glob.h"
#include "dataset/intake.h"

using tidegate::dataset::BindingPlace;

namespace {

void check_binding(const BindingPlace& place, std::string_view content) {
  constexpr std::string_view kAddress = "s3://b/k%20x?versionId=v";
  const auto bound = tidegate::dataset::bind(place, content, kAddress);
  if (!bound) return;
  const auto read = tidegate::dataset::read_binding(place, bound->content);
  if (!read || *read != kAddress) std::abort();
  const auto again = tidegate::dataset::bind(place, bound->content, kAddress);
  if (!again || again->content != bound->content || again->line != bound->line) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 8) {
    case 0:
      check_binding({"a.py", "DATA", ""}, text);
      break;
    case 1:
      check_binding({"a.yml", "DATA", ""}, text);
      break;
    case 2:
      check_binding({"a.json", "DATA", ""}, text);
      break;
    case 3:
      check_binding({"a.toml", "DATA", ""}, text);
      break;
    case 4:
      check_binding({"a.py", "", "m"}, text);
      break;
    case 5:
      check_binding({"a.sh", "", "m"}, text);
      break;
    case 6: {
      const auto address = tidegate::dataset::parse_bound_uri(text);
      if (!address) break;
      const auto uri =
          tidegate::dataset::bound_uri(address->bucket, address->key, address->version_id, address->is_file);
      const auto back = tidegate::dataset::parse_bound_uri(uri);
      if (!back || back->key != address->key || back->version_id != address->version_id) std::abort();
      break;
    }
    default: {
      const std::size_t half = text.size() / 2;
      static_cast<void>(tidegate::dataset::glob_match(text.substr(0, half), text.substr(half)));
      static_cast<void>(tidegate::dataset::parse_source(text));
    }
  }
  return 0;
}
