// DSSE: what is signed of an envelope. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tidegate::lineage {

/// The pre-authentication encoding (DSSE v1, protocol.md): "DSSEv1", type and payload, each with its length.
std::string to_be_signed(std::string_view payload_type, std::string_view payload);

}  // namespace tidegate::lineage
