#include "lineage/dsse.h"

#include <fmt/core.h>

namespace tidegate::lineage {

std::string to_be_signed(std::string_view payload_type, std::string_view payload) {
  return fmt::format("DSSEv1 {} {} {} {}", payload_type.size(), payload_type, payload.size(), payload);
}

}  // namespace tidegate::lineage
