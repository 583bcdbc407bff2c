// LayerReader: the entries of one layer blob (tar; gzip, zstd or plain), checked against the blob's digest.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "image/layer_rules.h"

namespace tidegate::registry {

/// Reads forward once: next, perhaps write_content, next…, finish. Nothing that it gave is to be believed
/// before finish() has said that the whole blob has the digest that was asked for.
class LayerReader {
 public:
  static Result<LayerReader> open(const std::filesystem::path& blob, const std::string& digest);
  LayerReader(LayerReader&&) noexcept;
  ~LayerReader();

  /// The next entry; nothing at the end. kInvalid: not a tar that we can read.
  Result<std::optional<image::LayerEntry>> next();
  /// The current entry's content into a new file; refuses one that exists.
  Status write_content(const std::filesystem::path& path, unsigned mode);
  /// Reads the rest. kFailed when the digest differs: the blob is damaged.
  Status finish();

 private:
  struct Impl;
  explicit LayerReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidegate::registry
