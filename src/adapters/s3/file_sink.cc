#include "adapters/s3/file_sink.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::s3 {

Result<FileSink> FileSink::open(const std::filesystem::path& to) {
  const std::filesystem::path folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
  std::string temporary = (folder / ".download-XXXXXX").native();
  sys::UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return sys::errno_error("write below " + printable(folder.native()), errno);
  return FileSink(to, std::move(temporary), std::move(fd));
}

FileSink::~FileSink() {
  if (fd_) ::unlink(temporary_.c_str());
}

Status FileSink::write(std::string_view bytes) {
  hash_.update(bytes);
  written_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys::errno_error("write " + printable(to_.native()), errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> FileSink::finish() {
  const auto failed = [this](const char* what) {
    return sys::errno_error(std::string(what) + " " + printable(to_.native()), errno);
  };
  if (::fchmod(fd_.get(), 0644) != 0) return failed("chmod");
  if (::fsync(fd_.get()) != 0) return failed("fsync");
  if (::rename(temporary_.c_str(), to_.c_str()) != 0) return failed("rename to");
  fd_.reset();
  TG_CHECK(sys::sync_directory(to_.has_parent_path() ? to_.parent_path() : std::filesystem::path(".")));
  return hash_.hex();
}

}  // namespace tidegate::s3
