#include "image/release_files.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "image/layer_rules.h"

namespace tidegate::image {
namespace {

bool covers(const std::string& entry, std::string_view path) {
  return path == entry || (path.starts_with(entry) && path[entry.size()] == '/');
}

bool installed_not_copied(std::string_view path) {
  return path == kLock || covers(std::string(kWheels), path);
}

}  // namespace

Result<std::vector<std::string>> select_release_files(const std::vector<std::string>& wanted,
                                                      const std::vector<std::string>& present) {
  std::vector<std::string> entries;
  for (const auto& text : wanted) {
    auto parts = path_parts(text);
    if (!parts || parts->empty())
      return fail(Errc::kInvalid, fmt::format("files: '{}' is not a file or folder below the release folder",
                                              printable(text)));
    entries.push_back(join(*parts, "/"));
  }
  std::vector<std::string> chosen;
  std::vector<bool> used(entries.size());
  for (const auto& path : present) {
    bool take = entries.empty() && !installed_not_copied(path);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (!covers(entries[i], path)) continue;
      used[i] = true;
      take = true;
    }
    if (take) chosen.push_back(path);
  }
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (!used[i]) missing.push_back(printable(entries[i]));
  if (!missing.empty())
    return fail(Errc::kNotFound, fmt::format("the image's release folder has no {}", join(missing, ", ")));
  return chosen;
}

}  // namespace tidegate::image
