#include "app/runner/beneath.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace {

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

bool is_plain(std::string_view segment) {
  return !segment.empty() && segment != "." && segment != ".." &&
         segment.find('\0') == std::string_view::npos;
}

}  // namespace

Result<Beneath> Beneath::open(const std::filesystem::path& root) {
  sys::UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return sys::errno_error(fmt::format("open {}", printable(root.native())), errno);
  return Beneath(std::move(fd));
}

std::string Beneath::name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

Result<int> Beneath::parent_of(const std::string& path, bool make) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? std::string() : path.substr(0, slash);
  if (!is_plain(name_of(path))) {
    return fail(Errc::kInvalid, fmt::format("the name \"{}\" is not allowed", printable(path)));
  }
  if (folder.empty() && slash != 0) return root_.get();
  if (folder_ && folder == folder_path_) return folder_.get();
  sys::UniqueFd at;
  for (const std::string& segment : split(folder, '/')) {
    if (!is_plain(segment)) {
      return fail(Errc::kInvalid, fmt::format("the name \"{}\" is not allowed", printable(path)));
    }
    const int from = at ? at.get() : root_.get();
    if (make && ::mkdirat(from, segment.c_str(), 0755) != 0 && errno != EEXIST) {
      return sys::errno_error(fmt::format("make the folder of {}", printable(path)), errno);
    }
    sys::UniqueFd next(::openat(from, segment.c_str(), kFolderFlags));
    if (!next && (errno == ELOOP || errno == ENOTDIR)) {
      return fail(Errc::kInvalid,
                  fmt::format("{}: \"{}\" on the way is no folder", printable(path), printable(segment)));
    }
    if (!next) return sys::errno_error(fmt::format("open the folder of {}", printable(path)), errno);
    at = std::move(next);
  }
  folder_ = std::move(at);
  folder_path_ = folder;
  return folder_.get();
}

}  // namespace tidegate::app
