#include "adapters/registry/layer_reader.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::registry {
namespace fs = std::filesystem;

struct LayerReader::Impl {
  sys::UniqueFd file;
  std::string digest;
  Sha256 hash;
  std::vector<char> buffer = std::vector<char>(1U << 20U);
  archive* tar = nullptr;
  archive_entry* entry = nullptr;
  bool opened = false;
  bool at_end = false;
  int read_error = 0;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (tar != nullptr) archive_read_free(tar);
  }

  // One block of the blob, hashed before anybody else sees it. 0 at the end, -1 on error.
  ssize_t read_block() {
    ssize_t count = 0;
    do {
      count = ::read(file.get(), buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count < 0) read_error = errno;
    if (count == 0) at_end = true;
    if (count > 0) hash.update({buffer.data(), static_cast<std::size_t>(count)});
    return count;
  }

  static la_ssize_t on_read(archive* tar, void* self, const void** block) {
    auto& impl = *static_cast<Impl*>(self);
    const ssize_t count = impl.read_block();
    if (count < 0) archive_set_error(tar, impl.read_error, "cannot read the blob");
    *block = impl.buffer.data();
    return count;
  }

  Error tar_error(std::string_view what) const {
    const char* words = archive_error_string(tar);
    return fail(Errc::kInvalid, fmt::format("image layer {}: {}: {}", digest, what,
                                            words != nullptr ? printable(words) : "damaged archive"));
  }
};

LayerReader::LayerReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LayerReader::LayerReader(LayerReader&&) noexcept = default;
LayerReader::~LayerReader() = default;

Result<LayerReader> LayerReader::open(const fs::path& blob, const std::string& digest) {
  auto impl = std::make_unique<Impl>();
  impl->digest = digest;
  impl->file.reset(::open(blob.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!impl->file) return sys::errno_error("open " + blob.string(), errno);
  impl->tar = archive_read_new();
  archive_read_support_filter_gzip(impl->tar);
  archive_read_support_filter_zstd(impl->tar);
  archive_read_support_format_tar(impl->tar);
  // A layer without any entry is a legal one.
  archive_read_support_format_empty(impl->tar);
  return LayerReader(std::move(impl));
}

namespace {

image::EntryKind kind_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr)
    return image::EntryKind::kHardlink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return image::EntryKind::kFile;
    case AE_IFDIR:
      return image::EntryKind::kDirectory;
    case AE_IFLNK:
      return image::EntryKind::kSymlink;
    default:
      return image::EntryKind::kOther;
  }
}

// Names are bytes to us. libarchive converts PAX names to the locale; where that cannot be done the UTF-8
// form is still there.
std::optional<std::string> either(const char* bytes, const char* utf8) {
  if (bytes != nullptr) return bytes;
  if (utf8 != nullptr) return utf8;
  return std::nullopt;
}

}  // namespace

Result<std::optional<image::LayerEntry>> LayerReader::next() {
  // Not in open(): a blob that is no archive must still get to finish(), which knows whether it is damaged.
  if (!impl_->opened) {
    impl_->opened = true;
    if (archive_read_open(impl_->tar, impl_.get(), nullptr, &Impl::on_read, nullptr) != ARCHIVE_OK)
      return impl_->tar_error("cannot be opened");
  }
  const int result = archive_read_next_header(impl_->tar, &impl_->entry);
  if (result == ARCHIVE_EOF) return std::optional<image::LayerEntry>();
  // A warning may be about a name that the locale cannot show; the name itself is looked at below.
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return impl_->tar_error("cannot be read");
  archive_entry* entry = impl_->entry;
  image::LayerEntry out;
  const auto path = either(archive_entry_pathname(entry), archive_entry_pathname_utf8(entry));
  if (!path) return impl_->tar_error("an entry's name cannot be read");
  out.path = *path;
  out.kind = kind_of(entry);
  out.mode = archive_entry_perm(entry);
  if (out.kind == image::EntryKind::kSymlink)
    out.link = either(archive_entry_symlink(entry), archive_entry_symlink_utf8(entry)).value_or("");
  if (out.kind == image::EntryKind::kHardlink)
    out.link = either(archive_entry_hardlink(entry), archive_entry_hardlink_utf8(entry)).value_or("");
  const auto size = archive_entry_size(entry);
  if (size < 0) return impl_->tar_error("an entry has a negative size");
  out.size = static_cast<std::uint64_t>(size);
  return std::optional(std::move(out));
}

Status LayerReader::write_content(const fs::path& path, unsigned mode) {
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return sys::errno_error("create " + printable(path.string()), errno);
  if (::fchmod(file.get(), mode) != 0) return sys::errno_error("chmod " + printable(path.string()), errno);
  // Blocks of a sparse file have gaps between them; libarchive never goes beyond the entry's size.
  if (archive_read_data_into_fd(impl_->tar, file.get()) != ARCHIVE_OK) {
    if (archive_errno(impl_->tar) == ENOSPC)
      return sys::errno_error("write " + printable(path.string()), ENOSPC);
    return impl_->tar_error("cannot be unpacked");
  }
  return {};
}

Status LayerReader::finish() {
  while (!impl_->at_end && impl_->read_error == 0) impl_->read_block();
  if (impl_->read_error != 0) return sys::errno_error("read a layer", impl_->read_error);
  const std::string found = "sha256:" + impl_->hash.hex();
  if (found != impl_->digest)
    return fail(Errc::kFailed,
                fmt::format("image layer {} is damaged: its content is {}", impl_->digest, found));
  return {};
}

}  // namespace tidegate::registry
