#include "image/layer_rules.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::image {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::size_t kMaxPath = 4096;

Error refuse(std::string_view path, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("image layer: '{}' {}", printable(path), why));
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string below(const std::string& parent, std::string_view name) {
  return parent.empty() ? std::string(name) : parent + "/" + std::string(name);
}

// Everything that begins with "path/" stands together in the map.
bool is_below(std::string_view path, std::string_view parent) {
  if (parent.empty()) return true;
  return path.size() > parent.size() && path.starts_with(parent) && path[parent.size()] == '/';
}

unsigned plain_mode(const LayerEntry& entry) {
  return entry.kind == EntryKind::kDirectory || (entry.mode & 0111U) != 0 ? 0755 : 0644;
}

}  // namespace

Result<std::vector<std::string>> path_parts(std::string_view path) {
  if (path.starts_with('/')) return refuse(path, "is an absolute path");
  if (path.size() > kMaxPath) return refuse(path, "is too long");
  if (path.find('\0') != std::string_view::npos) return refuse(path, "has a NUL byte");
  std::vector<std::string> parts;
  for (auto& part : split(path, '/')) {
    if (part == "..") return refuse(path, "has '..' in its path");
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  return parts;
}

bool link_stays_inside(std::string_view path, std::string_view target) {
  if (target.empty() || target.starts_with('/') || target.find('\0') != std::string_view::npos) return false;
  // ".." is counted from the link's own folder, which is a real one. Behind a name it could be counted from
  // wherever another link leads, so there it is refused: then no chain of links can leave.
  auto depth = std::ranges::count(path, '/');
  bool named = false;
  for (const auto& part : split(target, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      named = true;
      continue;
    }
    if (named || --depth < 0) return false;
  }
  return true;
}

Result<LayerTree> LayerTree::make(std::string_view from, LayerLimits limits) {
  if (!from.starts_with('/'))
    return fail(Errc::kInvalid, fmt::format("'{}' is not an absolute folder", printable(from)));
  TG_TRY(auto parts, path_parts(from.substr(std::min(from.find_first_not_of('/'), from.size()))));
  if (parts.empty())
    return fail(Errc::kInvalid, "the folder to extract must not be '/': name the release's folder");
  return LayerTree(std::move(parts), limits);
}

void LayerTree::begin_layer() {
  touched_ = false;
  for (auto& [path, node] : nodes_) node.this_layer = false;
}

Result<std::vector<LayerAction>> LayerTree::apply(const LayerEntry& entry) {
  TG_TRY(const auto parts, path_parts(entry.path));
  const auto [mine, theirs] = std::ranges::mismatch(from_, parts);
  if (theirs == parts.end()) return on_ancestor(parts, entry);  // `from` itself or a folder above it
  if (mine != from_.end()) {
    // Beside us, unless it is a whiteout that hides an ancestor of ours or what stands beside it.
    const std::string& name = *theirs;
    if (theirs + 1 != parts.end() || !name.starts_with(kWhiteout)) return std::vector<LayerAction>{};
    if (name == kOpaque || name.substr(kWhiteout.size()) == *mine) return on_whiteout("", "");
    return std::vector<LayerAction>{};
  }
  touched_ = true;
  const std::vector<std::string> rest(theirs, parts.end());
  const std::string& name = rest.back();
  if (name.starts_with(kWhiteout)) {
    if (name == kWhiteout) return refuse(entry.path, "is a whiteout of nothing");
    const std::string parent = join({rest.begin(), rest.end() - 1}, "/");
    return on_whiteout(parent, name == kOpaque ? "" : std::string_view(name).substr(kWhiteout.size()));
  }
  for (const auto& part : rest)
    if (part.starts_with(kWhiteout)) return refuse(entry.path, "is below a whiteout");
  return on_entry(join(rest, "/"), entry);
}

Result<std::vector<LayerAction>> LayerTree::on_ancestor(const std::vector<std::string>& parts,
                                                        const LayerEntry& entry) {
  if (entry.kind == EntryKind::kDirectory) {
    if (parts.size() == from_.size()) root_seen_ = touched_ = true;
    return std::vector<LayerAction>{};
  }
  // The root folder of a layer is a directory, or it is not an archive that we understand.
  touched_ = true;
  const std::string folder = "/" + join(from_, "/");
  if (entry.kind == EntryKind::kSymlink)
    return refuse(entry.path,
                  fmt::format("is a symbolic link on the way to {}: name the real folder", folder));
  return refuse(entry.path, fmt::format("is not a folder, but {} is wanted", folder));
}

Result<std::vector<LayerAction>> LayerTree::on_whiteout(const std::string& parent, std::string_view hidden) {
  touched_ = true;
  if (hidden == "." || hidden == "..") return refuse(below(parent, hidden), "cannot be hidden by a whiteout");
  std::vector<LayerAction> actions;
  hide_lower(below(parent, hidden), actions);
  return actions;
}

// An empty `path` is the whole tree; "a/" (an opaque folder) is what is in a, but not a.
void LayerTree::hide_lower(const std::string& path, std::vector<LayerAction>& actions) {
  const bool opaque = path.empty() || path.ends_with('/');
  const std::string root = opaque && !path.empty() ? path.substr(0, path.size() - 1) : path;
  std::vector<std::string> victims;
  for (auto it = nodes_.lower_bound(root); it != nodes_.end(); ++it) {
    const bool self = it->first == root;
    if (!self && !is_below(it->first, root)) {
      if (it->first.starts_with(root)) continue;  // "a-b" and "a.b" stand between "a" and "a/…"
      break;
    }
    if ((self && opaque) || it->second.this_layer) continue;
    // A folder of a lower layer into which this layer wrote stays, with what this layer wrote.
    if (!holds_new(it->first)) victims.push_back(it->first);
  }
  for (const auto& victim : victims) {
    if (!nodes_.contains(victim)) continue;  // went with its folder
    forget(victim);
    actions.push_back({Act::kRemove, victim, 0, ""});
  }
}

bool LayerTree::holds_new(const std::string& folder) const {
  for (auto it = nodes_.lower_bound(folder + "/"); it != nodes_.end() && is_below(it->first, folder); ++it)
    if (it->second.this_layer) return true;
  return false;
}

void LayerTree::forget(const std::string& path) {
  nodes_.erase(path);
  for (auto it = nodes_.lower_bound(path + "/"); it != nodes_.end() && is_below(it->first, path);)
    it = nodes_.erase(it);
}

Status LayerTree::check(const std::string& path, const LayerEntry& entry) {
  if (entry.kind == EntryKind::kOther) return refuse(path, "is a device, fifo or socket");
  if (entry.kind == EntryKind::kFile && (entry.mode & 06000U) != 0)
    return refuse(path, "has setuid or setgid bits");
  if (++entries_ > limits_.entries)
    return refuse(path, fmt::format("is one entry more than the {} allowed", limits_.entries));
  if (entry.kind == EntryKind::kFile) {
    if (entry.size > limits_.bytes - bytes_)
      return refuse(path, fmt::format("makes the release larger than the {} bytes allowed", limits_.bytes));
    bytes_ += entry.size;
  }
  return {};
}

Status LayerTree::make_parents(const std::string& path, std::vector<LayerAction>& actions) {
  std::string parent;
  for (const auto& part : split(parent_of(path), '/')) {
    if (part.empty()) continue;
    parent = below(parent, part);
    auto [it, added] = nodes_.try_emplace(parent, Node{EntryKind::kDirectory, true});
    if (added) {
      actions.push_back({Act::kMakeDirectory, parent, 0755, ""});
    } else if (it->second.kind != EntryKind::kDirectory) {
      return refuse(path,
                    fmt::format("would be written through '{}', which is not a folder", printable(parent)));
    }
  }
  return {};
}

Result<LayerAction> LayerTree::link_action(const std::string& path, const LayerEntry& entry) const {
  if (entry.kind == EntryKind::kSymlink) {
    if (!link_stays_inside(path, entry.link))
      return refuse(
          path, fmt::format("is a link to '{}', which may lead out of the release", printable(entry.link)));
    return LayerAction{Act::kSymlink, path, 0, entry.link};
  }
  // A hard link names a path of the image's root (layer.md: "linkname").
  const std::string_view link = entry.link;
  TG_TRY(const auto parts, path_parts(link.substr(std::min(link.find_first_not_of('/'), link.size()))));
  const auto [mine, theirs] = std::ranges::mismatch(from_, parts);
  if (mine == from_.end() && theirs != parts.end()) {
    const std::string target = join({theirs, parts.end()}, "/");
    const auto node = nodes_.find(target);
    if (node != nodes_.end() && node->second.kind == EntryKind::kFile && target != path &&
        !is_below(target, path))
      return LayerAction{Act::kHardlink, path, 0, target};
  }
  return refuse(path,
                fmt::format("is a hard link to '{}', which is no file of the release", printable(link)));
}

Result<std::vector<LayerAction>> LayerTree::on_entry(const std::string& path, const LayerEntry& entry) {
  TG_CHECK(check(path, entry));
  std::vector<LayerAction> actions;
  TG_CHECK(make_parents(path, actions));
  const auto old = nodes_.find(path);
  const bool directory = entry.kind == EntryKind::kDirectory;
  if (directory && old != nodes_.end() && old->second.kind == EntryKind::kDirectory) {
    old->second.this_layer = true;
    return actions;
  }
  LayerAction action{directory ? Act::kMakeDirectory : Act::kWriteFile, path, plain_mode(entry), ""};
  if (entry.kind == EntryKind::kSymlink || entry.kind == EntryKind::kHardlink) {
    TG_TRY(action, link_action(path, entry));
  }
  if (old != nodes_.end()) {
    forget(path);
    actions.push_back({Act::kRemove, path, 0, ""});
  }
  // A second name of a file is a file to everybody after.
  nodes_[path] = Node{entry.kind == EntryKind::kHardlink ? EntryKind::kFile : entry.kind, true};
  actions.push_back(std::move(action));
  return actions;
}

}  // namespace tidegate::image
