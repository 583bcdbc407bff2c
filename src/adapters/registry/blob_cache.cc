#include "adapters/registry/blob_cache.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <fmt/core.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::registry {
namespace fs = std::filesystem;
namespace {

std::string_view hex_of(std::string_view digest) {
  return digest.substr(digest.find(':') + 1);
}

// An open file description's lock holds between threads too. Its wait has no end that we could set, so it is
// asked again and again; pulls are long, 50 ms are not.
Status take_lock(int fd, const sys::StopFlag* stop) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  while (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
    if (errno != EAGAIN && errno != EACCES && errno != EINTR)
      return sys::errno_error("lock the image cache", errno);
    if (stop != nullptr && stop->stop_requested())
      return fail(Errc::kCanceled, "stopped while waiting for the image cache");
    std::this_thread::sleep_for(Millis{50});
  }
  return {};
}

}  // namespace

Result<BlobCache> BlobCache::open(const fs::path& directory, const sys::StopFlag* stop) {
  TG_CHECK(sys::make_directories(directory / "blobs" / "sha256"));
  TG_CHECK(sys::make_directories(directory / "untouched"));
  const fs::path lock_file = directory / "lock";
  sys::UniqueFd lock(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return sys::errno_error("open " + lock_file.string(), errno);
  TG_CHECK(take_lock(lock.get(), stop));
  TG_CHECK(sys::remove_tree(directory / "scratch"));
  TG_CHECK(sys::make_directories(directory / "scratch"));
  return BlobCache(directory, std::move(lock));
}

fs::path BlobCache::blob(std::string_view digest) const {
  return blobs() / "sha256" / hex_of(digest);
}

fs::path BlobCache::note(std::string_view digest, std::string_view from) const {
  return directory_ / "untouched" / fmt::format("{}-{}", hex_of(digest), sha256_hex(from).substr(0, 16));
}

bool BlobCache::use(std::string_view digest) const {
  struct stat info{};
  const fs::path path = blob(digest);
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return true;
}

void BlobCache::drop(std::string_view digest) const {
  std::error_code ignored;
  fs::remove(blob(digest), ignored);
}

bool BlobCache::known_untouched(std::string_view digest, std::string_view from) const {
  std::error_code ignored;
  return fs::exists(note(digest, from), ignored);
}

void BlobCache::note_untouched(std::string_view digest, std::string_view from) const {
  // A note that cannot be written costs time, not truth.
  [[maybe_unused]] const auto written = sys::write_file(note(digest, from), "");
}

void BlobCache::prune(std::uint64_t max_bytes) const {
  struct Entry {
    fs::file_time_type used;
    fs::path path;
    std::uint64_t size;
  };
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(blobs() / "sha256", error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const auto size = it->file_size(gone);
    const auto used = it->last_write_time(gone);
    if (gone) continue;
    entries.push_back({used, it->path(), size});
    total += size;
  }
  std::ranges::sort(entries, {}, &Entry::used);
  for (const auto& entry : entries) {
    if (total <= max_bytes) return;
    if (fs::remove(entry.path, error)) total -= entry.size;
  }
}

}  // namespace tidegate::registry
