#include "app/server/stale_locks.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;

// Looks at one folder's entries; `left` grows to the wait that the youngest lock asks for.
template <class Iterator>
Status sweep(const fs::path& folder, Instant now, Millis& left) {
  std::error_code failed;
  for (Iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    struct stat info{};
    const fs::path& path = entry->path();
    if (path.extension() != ".lock" || ::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const Instant since(Seconds(info.st_mtim.tv_sec) + Millis(info.st_mtim.tv_nsec / 1'000'000));
    // A time in the future: the clock was set back, and nobody knows how old it is.
    const Millis age = now - since;
    if (age >= Millis{0} && age < kLockIsStale) {
      left = std::max(left, kLockIsStale - age);
      continue;
    }
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return sys::errno_error("remove " + printable(path.native()), errno);
    log::warn("git", "{}: removed, a killed process left it", printable(path.native()));
  }
  if (failed && failed != std::errc::no_such_file_or_directory)
    return fail(Errc::kUnavailable, "list " + printable(folder.native()) + ": " + failed.message());
  return {};
}

}  // namespace

Result<Millis> remove_stale_locks(const fs::path& repository, Instant now) {
  Millis left{0};
  TG_CHECK(sweep<fs::directory_iterator>(repository, now, left));
  TG_CHECK(sweep<fs::recursive_directory_iterator>(repository / "refs", now, left));
  return left;
}

}  // namespace tidegate::app
