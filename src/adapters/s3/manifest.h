// The manifest of a set of objects, from JSON.
#pragma once

#include <string_view>

#include "base/result.h"
#include "dataset/readiness.h"

namespace tidegate::s3 {

inline constexpr std::size_t kMaxManifest = 8U << 20U;

/// {"members": [{"key": "part-1.jsonl", "size": 123, "sha256": "…", "etag": "…"}, …]}: `key` is needed, the
/// others say what is to be checked. Members of other names are left aside. kInvalid, with the place: not
/// JSON, too large, too many members, a field that is missing or wrong.
Result<dataset::Manifest> parse_manifest(std::string_view text);

}  // namespace tidegate::s3
