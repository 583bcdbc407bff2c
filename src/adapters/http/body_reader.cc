#include "adapters/http/body_reader.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"

namespace tidegate::http {

Status BodyReader::open_file() {
  std::error_code ignored;
  const auto folder = directory_.empty() ? std::filesystem::temp_directory_path(ignored) : directory_;
  std::string path = (folder / "tidegate-body-XXXXXX").string();
  fd_.reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd_) return sys::errno_error("create " + path, errno);
  body_.file = std::make_shared<SpoolFile>(path);
  return {};
}

Status BodyReader::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return sys::errno_error("write " + body_.file->path().string(), errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status BodyReader::take(std::string_view bytes) {
  if (!fd_ && body_.size + bytes.size() > spool_above_) {
    TG_CHECK(open_file());
    TG_CHECK(write(body_.bytes));
    body_.bytes = {};
  }
  body_.size += bytes.size();
  if (fd_) return write(bytes);
  body_.bytes += bytes;
  return {};
}

Result<Body> BodyReader::finish() {
  fd_.reset();
  return std::move(body_);
}

}  // namespace tidegate::http
