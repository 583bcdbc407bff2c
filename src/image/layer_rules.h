// What the entries of an image's layers may do to a folder that is being extracted: decided here, done by an
// adapter. Whiteouts: OCI image-spec 1.1, layer.md "Whiteouts".
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tidegate::image {

enum class EntryKind : std::uint8_t { kFile, kDirectory, kSymlink, kHardlink, kOther };

/// One header of a layer's tar stream, as it stands there.
struct LayerEntry {
  std::string path;
  EntryKind kind = EntryKind::kFile;
  unsigned mode = 0644;
  std::uint64_t size = 0;  ///< of a file's content
  std::string link;        ///< target of a symbolic or hard link
};

enum class Act : std::uint8_t { kMakeDirectory, kWriteFile, kSymlink, kHardlink, kRemove };

/// One thing to do in the folder; `path` is relative to it, without "." and "..", and none of its parents is
/// a link. A kRemove takes whole trees and comes before what replaces them.
struct LayerAction {
  Act act = Act::kWriteFile;
  std::string path;
  unsigned mode = 0;  ///< 0755 or 0644: what an image says beyond "executable" does not reach a host
  std::string link;   ///< kSymlink: as written; kHardlink: relative to the folder

  friend bool operator==(const LayerAction&, const LayerAction&) = default;
};

struct LayerLimits {
  std::uint64_t bytes = 4ULL << 30U;  ///< of all files below `from`, over all layers
  std::size_t entries = 200'000;      ///< below `from`, over all layers
};

/// Merges layers, from the lowest up, into the tree below `from`. It keeps that tree in mind (names only), so
/// it sees links that would be written through, and lets a whiteout hide lower layers only, wherever in its
/// layer it stands.
class LayerTree {
 public:
  /// `from` is an absolute folder of the image, e.g. "/opt/release"; kInvalid when it is not one.
  static Result<LayerTree> make(std::string_view from, LayerLimits limits);

  void begin_layer();
  /// What to do for this entry: nothing for one outside of `from`. Refuses (kInvalid, with the entry's name):
  /// absolute paths and ".." anywhere; below `from` devices, fifos, sockets, setuid and setgid files, links
  /// that lead out, writing through a link; and everything beyond the limits.
  Result<std::vector<LayerAction>> apply(const LayerEntry& entry);
  /// True when the layer did, or could have done, something here. A layer that never does so can be skipped
  /// next time.
  bool layer_touched() const { return touched_; }

  /// Is there anything at all below `from`?
  bool empty() const { return nodes_.empty() && !root_seen_; }

 private:
  struct Node {
    EntryKind kind = EntryKind::kFile;
    bool this_layer = false;
  };

  LayerTree(std::vector<std::string> from, LayerLimits limits) : from_(std::move(from)), limits_(limits) {}

  Result<std::vector<LayerAction>> on_ancestor(const std::vector<std::string>& parts,
                                               const LayerEntry& entry);
  Result<std::vector<LayerAction>> on_whiteout(const std::string& parent, std::string_view hidden);
  Result<std::vector<LayerAction>> on_entry(const std::string& path, const LayerEntry& entry);
  Status check(const std::string& path, const LayerEntry& entry);
  Status make_parents(const std::string& path, std::vector<LayerAction>& actions);
  void hide_lower(const std::string& path, std::vector<LayerAction>& actions);
  bool holds_new(const std::string& folder) const;
  void forget(const std::string& path);
  Result<LayerAction> link_action(const std::string& path, const LayerEntry& entry) const;

  std::vector<std::string> from_;
  LayerLimits limits_;
  std::map<std::string, Node> nodes_;
  std::uint64_t bytes_ = 0;
  std::size_t entries_ = 0;
  bool root_seen_ = false;
  bool touched_ = false;
};

/// The parts of a tar path without "." and empty ones; kInvalid for absolute paths, "..", NUL and paths
/// longer than 4096.
Result<std::vector<std::string>> path_parts(std::string_view path);

/// True when a symbolic link at `path` (relative to the root of a tree) with this target stays in the tree,
/// whatever other such links there are: relative, ".." only in front, and not above the root.
bool link_stays_inside(std::string_view path, std::string_view target);

}  // namespace tidegate::image
