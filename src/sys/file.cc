#include "sys/file.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>

#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/unique_fd.h"

namespace tidegate::sys {
namespace {

constexpr std::size_t kChunk = 1U << 17U;

Errc code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Errc::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::kDenied;
    case EEXIST:
    case ENOTEMPTY:
    case EBUSY:
      return Errc::kConflict;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
    case ELOOP:
    case EFBIG:
      return Errc::kInvalid;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Errc::kEnvironment;
    case ECONNREFUSED:
    case ECONNRESET:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EAGAIN:
      return Errc::kUnavailable;
    default:
      return Errc::kInternal;
  }
}

Error path_error(std::string_view what, const fs::path& path, int error_number) {
  return errno_error(fmt::format("{} {}", what, printable(path.native())), error_number);
}

Result<UniqueFd> open_for_reading(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return path_error("open", path, errno);
  return fd;
}

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_error("write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// Hands over the file's bytes piece by piece; `on_bytes` returns false to end early.
template <class OnBytes>
Status read_all(int fd, const fs::path& path, OnBytes on_bytes) {
  std::string buffer(kChunk, '\0');
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_error("read", path, errno);
    if (n == 0) return {};
    if (!on_bytes(std::string_view(buffer.data(), static_cast<std::size_t>(n)))) return {};
  }
}

// A temporary beside the target; its name does not depend on the target's, which may be at the limit of 255.
std::string temporary_beside(const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  return (parent / ".tmp-XXXXXX").native();
}

Status fill_and_rename(int fd, const std::string& temporary, const fs::path& path, std::string_view bytes,
                       unsigned mode) {
  TG_CHECK(write_all(fd, bytes, path));
  if (::fchmod(fd, mode) != 0) return path_error("chmod", path, errno);
  if (::fsync(fd) != 0) return path_error("fsync", path, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return path_error("rename to", path, errno);
  return {};
}

}  // namespace

Error errno_error(std::string_view what, int error_number) {
  return fail(code_of(error_number),
              fmt::format("{}: {}", what, std::generic_category().message(error_number)));
}

Result<std::string> read_file(const fs::path& path, std::uint64_t max_bytes) {
  TG_TRY(const UniqueFd fd, open_for_reading(path));
  std::string content;
  TG_CHECK(read_all(fd.get(), path, [&](std::string_view bytes) {
    content.append(bytes);
    return content.size() <= max_bytes;
  }));
  if (content.size() > max_bytes) {
    return fail(Errc::kInvalid,
                fmt::format("read {}: larger than {} bytes", printable(path.native()), max_bytes));
  }
  return content;
}

Status write_file_durably(const fs::path& path, std::string_view bytes, unsigned mode) {
  std::string temporary = temporary_beside(path);
  UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return path_error("create a temporary file for", path, errno);
  if (auto done = fill_and_rename(fd.get(), temporary, path, bytes, mode); !done) {
    ::unlink(temporary.c_str());
    return std::move(done).error();
  }
  return sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

Status write_file(const fs::path& path, std::string_view bytes, unsigned mode) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return path_error("open", path, errno);
  if (::fchmod(fd.get(), mode) != 0) return path_error("chmod", path, errno);
  return write_all(fd.get(), bytes, path);
}

Status sync_directory(const fs::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return path_error("open", directory, errno);
  if (::fsync(fd.get()) != 0) return path_error("fsync", directory, errno);
  return {};
}

Result<std::string> sha256_of_file(const fs::path& path) {
  TG_TRY(const UniqueFd fd, open_for_reading(path));
  Sha256 hash;
  TG_CHECK(read_all(fd.get(), path, [&](std::string_view bytes) {
    hash.update(bytes);
    return true;
  }));
  return hash.hex();
}

Status make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return path_error("make the folder", path, error.value());
  return {};
}

Status remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);  // libstdc++ 12 removes by openat/unlinkat, so a swapped link is not followed
  if (error) return path_error("remove", path, error.value());
  return {};
}

Result<TempDirectory> TempDirectory::make(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / (std::string(prefix) + "XXXXXX")).native();
  if (::mkdtemp(name.data()) == nullptr) return path_error("make a temporary folder", name, errno);
  return TempDirectory(fs::path(name));
}

TempDirectory& TempDirectory::operator=(TempDirectory&& other) noexcept {
  if (this != &other) {
    if (!path_.empty()) static_cast<void>(remove_tree(path_));
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

TempDirectory::~TempDirectory() {
  if (!path_.empty()) static_cast<void>(remove_tree(path_));
}

}  // namespace tidegate::sys
