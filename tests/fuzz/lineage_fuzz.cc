// Records from a database that somebody else may have written to: never a crash, and what is read is written
// back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lineage/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = tidegate::lineage::read_record(text);
  if (!record) return 0;
  static_cast<void>(tidegate::lineage::names_of(*record));
  const auto again = tidegate::lineage::read_record(tidegate::lineage::body_of(*record));
  if (!again || *again != *record) std::abort();
  return 0;
}
