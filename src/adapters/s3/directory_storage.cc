#include "adapters/s3/directory_storage.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <vector>

#include <fmt/core.h>

#include "adapters/s3/file_sink.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::s3 {
namespace {

namespace fs = std::filesystem;

app::ObjectInfo describe(const std::string& key, const struct stat& info) {
  app::ObjectInfo object;
  object.key = key;
  object.size = static_cast<std::uint64_t>(info.st_size);
  object.etag = sha256_hex(fmt::format("{}:{}:{}:{}.{:09}", info.st_dev, info.st_ino, info.st_size,
                                       info.st_mtim.tv_sec, info.st_mtim.tv_nsec))
                    .substr(0, 32);
  object.modified_at = Instant(Seconds(info.st_mtim.tv_sec) + Millis(info.st_mtim.tv_nsec / 1'000'000));
  return object;
}

// One walk over a folder, in the order of the paths' bytes.
class Walk {
 public:
  Walk(fs::path root, std::string after, const std::function<bool(const app::ObjectInfo&)>& on_object,
       const sys::StopFlag* stop)
      : root_(std::move(root)), after_(std::move(after)), on_object_(on_object), stop_(stop) {}

  Status run(const std::string& folder) {
    TG_TRY(const bool more, enter(folder));
    static_cast<void>(more);
    return {};
  }

 private:
  // False: the caller has had enough.
  Result<bool> enter(const std::string& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (error || !seen_.insert(real).second) return true;  // gone meanwhile, or a loop of links
    std::vector<std::string> names;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      std::string name = entry->path().filename().native();
      if (name.starts_with('.')) continue;
      // A folder comes where its files do: after "a.txt", for '.' is less than '/'.
      std::error_code gone;
      if (entry->is_directory(gone)) name += '/';
      if (!is_done(folder + "/" + name)) names.push_back(std::move(name));
    }
    if (error) return sys::errno_error("list " + printable(folder), error.value());
    std::ranges::sort(names);
    for (std::string& name : names) {
      if (stop_ != nullptr && stop_->stop_requested())
        return fail(Errc::kCanceled, "list " + printable(folder));
      if (name.ends_with('/')) name.pop_back();
      TG_TRY(const bool more, visit(folder + "/" + name));
      if (!more) return false;
    }
    return true;
  }

  // Whether the path, and for a folder everything in it, comes at `after` or before it.
  bool is_done(const std::string& path) const {
    return path <= after_ && !(path.ends_with('/') && after_.starts_with(path));
  }

  Result<bool> visit(const std::string& path) {
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return true;  // gone meanwhile
    const bool is_link = S_ISLNK(info.st_mode);
    if (is_link && (!stays_inside(path) || ::stat(path.c_str(), &info) != 0)) return true;
    // What a link shows of this very tree is walked at its own place; a walk that begins in the middle could
    // not know that it has been there.
    if (S_ISDIR(info.st_mode)) return !is_link || is_hidden(path) ? enter(path) : Result<bool>(true);
    if (!S_ISREG(info.st_mode)) return true;
    return on_object_(describe(path, info));
  }

  // Whether the link's target has a name that is left out of the walk.
  bool is_hidden(const fs::path& link) const {
    std::error_code error;
    const fs::path target = fs::relative(fs::canonical(link, error), root_, error);
    return !error && std::ranges::any_of(target, [](const fs::path& part) {
      return part.native().starts_with('.') && part != ".";
    });
  }

  bool stays_inside(const fs::path& link) const {
    std::error_code error;
    const std::string target = fs::canonical(link, error).native();
    return !error && target.starts_with(root_.native() + "/");
  }

  fs::path root_;      ///< canonical
  std::string after_;  ///< a path; what comes at it or before it is left out
  const std::function<bool(const app::ObjectInfo&)>& on_object_;
  const sys::StopFlag* stop_;
  std::set<fs::path> seen_;
};

Result<std::string> check_path(const std::string& bucket, const std::string& path) {
  const bool good = bucket.empty() && path.starts_with('/') && path.find('\0') == std::string::npos;
  if (!good) return fail(Errc::kInvalid, "not an absolute path: " + printable(path));
  return path;
}

}  // namespace

Status DirectoryStorage::list(const std::string& bucket, const std::string& prefix, const std::string& after,
                              const std::function<bool(const app::ObjectInfo&)>& on_object,
                              const sys::StopFlag* stop) {
  TG_TRY(std::string folder, check_path(bucket, prefix));
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) return sys::errno_error("list " + printable(folder), error.value());
  if (!fs::is_directory(root, error))
    return fail(Errc::kInvalid, "list " + printable(folder) + ": not a folder");
  return Walk(root, after, on_object, stop).run(folder);
}

Result<app::ObjectInfo> DirectoryStorage::head(const std::string& bucket, const std::string& key,
                                               const std::string& version_id) {
  static_cast<void>(version_id);  // there are none
  TG_TRY(const std::string path, check_path(bucket, key));
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return sys::errno_error("look at " + printable(path), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kNotFound, "look at " + printable(path) + ": not a file");
  return describe(key, info);
}

Result<std::string> DirectoryStorage::download(const app::ObjectInfo& expected, const fs::path& to,
                                               const sys::StopFlag* stop) {
  TG_TRY(const std::string path, check_path(expected.bucket, expected.key));
  const std::string what = "copy " + printable(path);
  // O_NONBLOCK: a pipe put in the file's place must not make us wait for its writer.
  const sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return sys::errno_error(what, errno);
  struct stat info{};
  const auto unchanged = [&] {
    return ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) &&
           (expected.etag.empty() || describe(expected.key, info).etag == expected.etag);
  };
  if (!unchanged()) return fail(Errc::kConflict, what + ": the file has been replaced");
  TG_TRY(FileSink sink, FileSink::open(to));
  std::string buffer(1U << 17U, '\0');
  for (;;) {
    if (stop != nullptr && stop->stop_requested()) return fail(Errc::kCanceled, what);
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys::errno_error(what, errno);
    if (n == 0) break;
    TG_CHECK(sink.write(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
    if (sink.written() > expected.size) break;
  }
  if (!unchanged()) return fail(Errc::kConflict, what + ": the file changed while it was read");
  if (sink.written() != expected.size) {
    return fail(Errc::kInvalid, fmt::format("{}: not the {} bytes announced", what, expected.size));
  }
  return sink.finish();
}

}  // namespace tidegate::s3
