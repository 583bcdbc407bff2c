#include "adapters/registry/extract.h"

#include <cerrno>
#include <unistd.h>

#include <fmt/core.h>

#include "adapters/registry/layer_reader.h"
#include "base/text.h"
#include "image/layer_rules.h"
#include "sys/file.h"

namespace tidegate::registry {
namespace fs = std::filesystem;
namespace {

// The rules saw to it that no part of `path` but the last is a link, and that nothing stands where something
// is made.
Status act(const image::LayerAction& action, const fs::path& to, LayerReader& reader) {
  const fs::path path = to / action.path;
  switch (action.act) {
    case image::Act::kRemove:
      return sys::remove_tree(path);
    case image::Act::kMakeDirectory:
      return sys::make_directories(path);
    case image::Act::kWriteFile:
      return reader.write_content(path, action.mode);
    case image::Act::kSymlink:
      if (::symlink(action.link.c_str(), path.c_str()) != 0)
        return sys::errno_error("symlink " + printable(path.string()), errno);
      return {};
    case image::Act::kHardlink:
      if (::link((to / action.link).c_str(), path.c_str()) != 0)
        return sys::errno_error("link " + printable(path.string()), errno);
      return {};
  }
  return fail(Errc::kInternal, "unknown action");
}

Status read_entries(LayerReader& reader, image::LayerTree& tree, const fs::path& to,
                    const sys::StopFlag* stop) {
  while (true) {
    if (stop != nullptr && stop->stop_requested())
      return fail(Errc::kCanceled, "stopped while extracting the image");
    TG_TRY(const auto entry, reader.next());
    if (!entry) return {};
    TG_TRY(const auto actions, tree.apply(*entry));
    for (const auto& action : actions) TG_CHECK(act(action, to, reader));
  }
}

// A damaged blob often shows as a damaged archive first; the digest tells them apart.
Status read_layer(const BlobCache& cache, const Blob& layer, image::LayerTree& tree, const fs::path& to,
                  const sys::StopFlag* stop) {
  TG_TRY(auto reader, LayerReader::open(cache.blob(layer.digest), layer.digest));
  const auto entries = read_entries(reader, tree, to, stop);
  if (!entries && entries.error().code == Errc::kCanceled) return entries;
  if (auto whole = reader.finish(); !whole) {
    cache.drop(layer.digest);
    return whole;
  }
  return entries;
}

}  // namespace

Status extract_layers(const BlobCache& cache, const Manifest& manifest, const std::string& from,
                      const fs::path& to, std::uint64_t max_bytes, const sys::StopFlag* stop) {
  TG_TRY(auto tree, image::LayerTree::make(from, {.bytes = max_bytes}));
  for (const auto& layer : manifest.layers) {
    if (cache.known_untouched(layer.digest, from)) continue;
    tree.begin_layer();
    TG_CHECK(read_layer(cache, layer, tree, to, stop));
    if (!tree.layer_touched()) cache.note_untouched(layer.digest, from);
  }
  if (tree.empty()) return fail(Errc::kNotFound, fmt::format("the image has no folder {}", printable(from)));
  return {};
}

}  // namespace tidegate::registry
