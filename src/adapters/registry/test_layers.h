// For tests: layers, as a builder of images would write them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "image/layer_rules.h"

namespace tidegate::registry::testing {

struct Item {
  image::LayerEntry entry;
  std::string content;
};

inline Item file(std::string path, std::string content, unsigned mode = 0644) {
  return {{std::move(path), image::EntryKind::kFile, mode, content.size(), ""}, content};
}
inline Item folder(std::string path) {
  return {{std::move(path), image::EntryKind::kDirectory, 0755, 0, ""}, ""};
}
inline Item symlink(std::string path, std::string to) {
  return {{std::move(path), image::EntryKind::kSymlink, 0777, 0, std::move(to)}, ""};
}
inline Item hardlink(std::string path, std::string to) {
  return {{std::move(path), image::EntryKind::kHardlink, 0644, 0, std::move(to)}, ""};
}

enum class Packing { kGzip, kZstd, kPlain };

/// The bytes of a layer: a PAX tar, packed.
std::string layer_bytes(const std::vector<Item>& items, Packing packing = Packing::kGzip);

/// Writes a whole image in skopeo's "dir" layout; returns its manifest's digest.
std::string write_image(const std::filesystem::path& directory, const std::vector<std::string>& layers,
                        const std::string& revision_label);

}  // namespace tidegate::registry::testing
