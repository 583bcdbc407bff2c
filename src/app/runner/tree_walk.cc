#include "app/runner/tree_walk.h"

#include <algorithm>
#include <set>
#include <system_error>

#include <fmt/core.h>

#include "base/text.h"
#include "pipeline/glob.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

Error walk_error(const fs::path& root, const std::error_code& error) {
  return fail(Errc::kInternal, fmt::format("list {}: {}", printable(root.native()), error.message()));
}

// A pattern as a path below the root: without ".", doubled and trailing slashes; an error says why it is
// none.
Result<std::string> normalize(std::string_view pattern, const std::string& project_inside) {
  if (pattern == project_inside) return std::string("**");
  if (pattern.starts_with(project_inside + "/")) pattern.remove_prefix(project_inside.size() + 1);
  if (pattern.starts_with('/')) return fail(Errc::kInvalid, "is outside of the project folder");
  std::string out;
  for (const std::string& segment : split(pattern, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") return fail(Errc::kInvalid, "is outside of the project folder");
    if (!out.empty()) out += '/';
    out += segment;
  }
  if (out.empty()) return std::string("**");
  return out;
}

// The runner's globs (doublestar) take a last `**` for any depth; Ruby's, which pipeline::Glob does, for one.
Result<pipeline::Glob> compile(const std::string& pattern) {
  const bool deep = pattern == "**" || pattern.ends_with("/**");
  return pipeline::Glob::compile(deep ? pattern + "/*" : pattern);
}

// `build` for the pattern `build/*.o`: where the search may begin. Whole segments without a wildcard.
std::string literal_prefix(const std::string& pattern) {
  const std::size_t wild = pattern.find_first_of("*?[{\\");
  if (wild == std::string::npos) return pattern;
  const std::size_t slash = pattern.rfind('/', wild);
  return slash == std::string::npos ? std::string() : pattern.substr(0, slash);
}

bool below(const std::string& path, const std::string& folder) {
  return folder.empty() || path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

// All of `tree` (sorted) that a pattern names, with the content of folders.
std::vector<std::string> matches(const std::vector<std::string>& tree, const std::string& pattern,
                                 const pipeline::Glob& glob) {
  std::vector<std::string> found;
  const std::string prefix = literal_prefix(pattern);
  std::set<std::string, std::less<>> taken;  // what matched, so that all below it is taken too
  for (auto at = std::ranges::lower_bound(tree, prefix); at != tree.end(); ++at) {
    if (!at->starts_with(prefix)) break;
    if (!below(*at, prefix)) continue;  // "build-2" when the prefix is "build"
    const std::size_t slash = at->rfind('/');
    const bool inside = slash != std::string::npos && taken.contains(std::string_view(*at).substr(0, slash));
    if (!inside && !glob.matches(*at)) continue;
    taken.insert(*at);
    found.push_back(*at);
  }
  return found;
}

}  // namespace

Result<std::vector<std::string>> list_tree(const fs::path& root) {
  std::vector<std::string> paths;
  std::error_code error;
  const std::size_t skip = root.native().size() + (root.native().ends_with('/') ? 0 : 1);
  fs::recursive_directory_iterator at(root, fs::directory_options::none, error);
  if (error) return walk_error(root, error);
  for (const fs::recursive_directory_iterator end; at != end;) {
    std::string path = at->path().native().substr(skip);
    if (path == ".git") {
      at.disable_recursion_pending();
    } else {
      paths.push_back(std::move(path));
    }
    at.increment(error);
    if (error) return walk_error(root, error);
  }
  std::ranges::sort(paths);
  return paths;
}

Result<Selected> select_files(const fs::path& root, const std::string& project_inside,
                              const Selection& selection) {
  TG_TRY(const std::vector<std::string> tree, list_tree(root));
  Selected selected;
  std::set<std::string> chosen;
  for (const std::string& written : selection.paths) {
    PatternCount count{written, 0, {}};
    const Result<std::string> pattern = normalize(written, project_inside);
    const Result<pipeline::Glob> glob = pattern ? compile(*pattern) : Result<pipeline::Glob>(pattern.error());
    if (!glob) {
      count.problem = glob.error().message;
    } else {
      const std::vector<std::string> found = matches(tree, *pattern, *glob);
      count.found = found.size();
      chosen.insert(found.begin(), found.end());
    }
    selected.counts.push_back(std::move(count));
  }
  if (selection.untracked) {
    PatternCount count{"untracked", 0, {}};
    for (const std::string& path : tree) {
      if (selection.tracked != nullptr && selection.tracked->contains(path)) continue;
      ++count.found;
      chosen.insert(path);
    }
    selected.counts.push_back(std::move(count));
  }
  for (const std::string& written : selection.exclude) {
    const Result<std::string> pattern = normalize(written, project_inside);
    if (!pattern) continue;  // nothing outside is ever taken
    TG_TRY(const pipeline::Glob glob, compile(*pattern));
    std::erase_if(chosen, [&](const std::string& path) { return glob.matches(path); });
  }
  selected.paths.assign(chosen.begin(), chosen.end());
  return selected;
}

}  // namespace tidegate::app
