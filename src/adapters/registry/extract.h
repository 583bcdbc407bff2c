// Layers of an image into a folder.
#pragma once

#include <filesystem>
#include <string>

#include "adapters/registry/blob_cache.h"
#include "adapters/registry/manifest.h"
#include "base/result.h"
#include "sys/process.h"

namespace tidegate::registry {

/// What is below `from` in the image made of these layers, into the empty folder `to`. All blobs must be in
/// the cache. kFailed: a blob is damaged (it is dropped from the cache, so pulling again heals); kInvalid:
/// the image wants what no release may (layer_rules.h); kNotFound: the image has no such folder, or it is
/// empty. After an error `to` holds an unknown part.
Status extract_layers(const BlobCache& cache, const Manifest& manifest, const std::string& from,
                      const std::filesystem::path& to, std::uint64_t max_bytes, const sys::StopFlag* stop);

}  // namespace tidegate::registry
