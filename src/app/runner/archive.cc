#include "app/runner/archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <locale.h>
#include <memory>
#include <sys/stat.h>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <climits>
#include <fmt/core.h>

#include "app/runner/beneath.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlock = 128U << 10U;
constexpr int kMostEntries = 2'000'000;

// libarchive translates names from the thread's locale; in "C" it would refuse everything but ASCII.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = ::uselocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

struct FreeWriter {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeReader {
  void operator()(archive* a) const { archive_read_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
using Writer = std::unique_ptr<archive, FreeWriter>;
using Reader = std::unique_ptr<archive, FreeReader>;
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

Error archive_error(std::string_view what, archive* a, Errc otherwise) {
  const int number = archive_errno(a);
  const char* text = archive_error_string(a);
  const Errc code = number == ENOSPC || number == EDQUOT ? Errc::kEnvironment : otherwise;
  return fail(code, fmt::format("{}: {}", what, text == nullptr ? "unknown error" : text));
}

Result<sys::UniqueFd> open_file(Beneath& tree, const std::string& path) {
  TG_TRY(const int folder, tree.parent_of(path, false));
  // O_NONBLOCK: a named pipe that took the file's place must not block the runner.
  sys::UniqueFd fd(
      ::openat(folder, Beneath::name_of(path).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return sys::errno_error(fmt::format("open {}", printable(path)), errno);
  return fd;
}

// Hands the file's bytes to the archive; a file that changes its size meanwhile is an error, because its
// header is written already.
Result<std::uint64_t> copy_content(int fd, archive* writer, const std::string& path, std::uint64_t size) {
  std::vector<char> block(kBlock);
  std::uint64_t left = size;
  while (left > 0) {
    const ssize_t n = ::read(fd, block.data(), std::min<std::uint64_t>(block.size(), left));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys::errno_error(fmt::format("read {}", printable(path)), errno);
    if (n == 0)
      return fail(Errc::kFailed, fmt::format("{} became shorter while it was packed", printable(path)));
    if (archive_write_data(writer, block.data(), static_cast<std::size_t>(n)) < 0) {
      return archive_error(fmt::format("pack {}", printable(path)), writer, Errc::kInternal);
    }
    left -= static_cast<std::uint64_t>(n);
  }
  return size;
}

Result<std::uint64_t> add_entry(Beneath& tree, const std::string& path, archive* writer) {
  TG_TRY(const int folder, tree.parent_of(path, false));
  const std::string name = Beneath::name_of(path);
  struct stat info{};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return sys::errno_error(fmt::format("stat {}", printable(path)), errno);
  }
  const bool file = S_ISREG(info.st_mode);
  const bool link = S_ISLNK(info.st_mode);
  if (!file && !link && !S_ISDIR(info.st_mode)) return std::uint64_t{0};
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), path.c_str());
  archive_entry_set_mode(entry.get(), info.st_mode);
  archive_entry_set_mtime(entry.get(), info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  archive_entry_set_size(entry.get(), file ? info.st_size : 0);
  if (link) {
    std::array<char, PATH_MAX> target{};
    const ssize_t n = ::readlinkat(folder, name.c_str(), target.data(), target.size() - 1);
    if (n < 0) return sys::errno_error(fmt::format("read the link {}", printable(path)), errno);
    archive_entry_set_symlink(entry.get(), target.data());
  }
  // ARCHIVE_WARN: a name that is not UTF-8 is kept as its bytes.
  if (archive_write_header(writer, entry.get()) < ARCHIVE_WARN) {
    return archive_error(fmt::format("pack {}", printable(path)), writer, Errc::kInternal);
  }
  if (!file) return std::uint64_t{0};
  TG_TRY(const sys::UniqueFd fd, open_file(tree, path));
  return copy_content(fd.get(), writer, path, static_cast<std::uint64_t>(info.st_size));
}

Status open_writer(archive* writer, ArchiveForm form, const fs::path& to) {
  int ok = ARCHIVE_OK;
  if (form == ArchiveForm::kZip) {
    ok = std::min(archive_write_set_format_zip(writer),
                  archive_write_set_options(writer, "zip:compression-level=1,zip:hdrcharset=UTF-8"));
  } else {
    ok = std::min(archive_write_set_format_pax_restricted(writer), archive_write_add_filter_zstd(writer));
  }
  if (ok < ARCHIVE_WARN || archive_write_open_filename(writer, to.c_str()) != ARCHIVE_OK) {
    return archive_error(fmt::format("make {}", printable(to.native())), writer, Errc::kEnvironment);
  }
  return {};
}

// --- taking apart ---

Status write_content(archive* reader, int fd, const std::string& path, std::uint64_t& left) {
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int got = archive_read_data_block(reader, &block, &size, &offset);
    if (got == ARCHIVE_EOF) return {};
    if (got < ARCHIVE_WARN) {
      return archive_error(fmt::format("unpack {}", printable(path)), reader, Errc::kInvalid);
    }
    if (size > left) return fail(Errc::kInvalid, "the archive unpacks to more than is allowed");
    left -= size;
    std::string_view bytes(static_cast<const char*>(block), size);
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return sys::errno_error(fmt::format("write {}", printable(path)), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += n;
    }
  }
}

Status unpack_file(archive* reader, archive_entry* entry, int folder, const std::string& path,
                   std::uint64_t& left) {
  const std::string name = Beneath::name_of(path);
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) {
    return sys::errno_error(fmt::format("replace {}", printable(path)), errno);
  }
  const mode_t mode = (archive_entry_perm(entry) & 0777U) | 0600U;
  const sys::UniqueFd fd(
      ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return sys::errno_error(fmt::format("create {}", printable(path)), errno);
  TG_CHECK(write_content(reader, fd.get(), path, left));
  const timespec time{archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
  const std::array<timespec, 2> times{time, time};
  if (::fchmod(fd.get(), mode) != 0 || ::futimens(fd.get(), times.data()) != 0) {
    return sys::errno_error(fmt::format("write {}", printable(path)), errno);
  }
  return {};
}

Status unpack_link(archive_entry* entry, int folder, const std::string& path) {
  const char* target = archive_entry_symlink(entry);
  const std::string name = Beneath::name_of(path);
  if (target == nullptr)
    return fail(Errc::kInvalid, fmt::format("the link {} has no target", printable(path)));
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) {
    return sys::errno_error(fmt::format("replace {}", printable(path)), errno);
  }
  if (::symlinkat(target, folder, name.c_str()) != 0) {
    return sys::errno_error(fmt::format("link {}", printable(path)), errno);
  }
  return {};
}

Result<Reader> open_reader(const fs::path& file) {
  Reader reader(archive_read_new());
  archive_read_support_format_zip(reader.get());
  archive_read_support_format_tar(reader.get());
  archive_read_support_filter_zstd(reader.get());
  archive_read_support_filter_gzip(reader.get());
  if (archive_read_open_filename(reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) {
    return archive_error("open the archive", reader.get(), Errc::kInvalid);
  }
  return reader;
}

Result<std::string> read_entry(archive* reader, const std::string& path, std::uint64_t limit) {
  std::string out;
  std::array<char, 16384> block{};
  while (true) {
    const la_ssize_t got = archive_read_data(reader, block.data(), block.size());
    if (got == 0) return out;
    if (got < 0) return archive_error(fmt::format("read {}", printable(path)), reader, Errc::kInvalid);
    out.append(block.data(), static_cast<std::size_t>(got));
    if (out.size() > limit)
      return fail(Errc::kInvalid, fmt::format("{} is larger than {} bytes", printable(path), limit));
  }
}

Status unpack_entry(archive* reader, archive_entry* entry, Beneath& tree, std::uint64_t& left) {
  const char* raw = archive_entry_pathname(entry);
  std::string path = raw == nullptr ? std::string() : std::string(raw);
  while (path.starts_with("./")) path.erase(0, 2);
  while (path.ends_with('/')) path.pop_back();
  if (path.empty() || path == ".") return {};
  TG_TRY(const int folder, tree.parent_of(path, true));
  switch (archive_entry_filetype(entry)) {
    case AE_IFDIR: {
      TG_CHECK(tree.parent_of(path + "/x", true));
      return {};
    }
    case AE_IFREG:
      if (archive_entry_hardlink(entry) != nullptr) {
        return fail(Errc::kInvalid,
                    fmt::format("{} is a hard link; there are none in artifacts", printable(path)));
      }
      return unpack_file(reader, entry, folder, path, left);
    case AE_IFLNK:
      return unpack_link(entry, folder, path);
    default:
      return fail(Errc::kInvalid, fmt::format("{} is neither file, folder nor link", printable(path)));
  }
}

}  // namespace

Result<std::uint64_t> make_archive(const fs::path& root, const Paths& paths, ArchiveForm form,
                                   const fs::path& to) {
  const Utf8Locale locale;
  const Writer writer(archive_write_new());
  TG_CHECK(open_writer(writer.get(), form, to));
  TG_TRY(Beneath tree, Beneath::open(root));
  std::uint64_t total = 0;
  for (const std::string& path : paths) {
    TG_TRY(const std::uint64_t size, add_entry(tree, path, writer.get()));
    total += size;
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK) {
    return archive_error(fmt::format("make {}", printable(to.native())), writer.get(), Errc::kInternal);
  }
  return total;
}

Status make_gzip(const fs::path& root, const Paths& paths, const fs::path& to) {
  TG_TRY(Beneath tree, Beneath::open(root));
  const sys::UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!out) return sys::errno_error(fmt::format("create {}", printable(to.native())), errno);
  for (const std::string& path : paths) {
    TG_TRY(const sys::UniqueFd fd, open_file(tree, path));
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const Writer writer(archive_write_new());
    const Entry entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_size(entry.get(), info.st_size);
    archive_write_set_bytes_in_last_block(writer.get(), 1);
    if (archive_write_set_format_raw(writer.get()) != ARCHIVE_OK ||
        archive_write_add_filter_gzip(writer.get()) != ARCHIVE_OK ||
        archive_write_open_fd(writer.get(), out.get()) != ARCHIVE_OK ||
        archive_write_header(writer.get(), entry.get()) != ARCHIVE_OK) {
      return archive_error(fmt::format("gzip {}", printable(path)), writer.get(), Errc::kInternal);
    }
    TG_CHECK(copy_content(fd.get(), writer.get(), path, static_cast<std::uint64_t>(info.st_size)));
    if (archive_write_close(writer.get()) != ARCHIVE_OK) {
      return archive_error(fmt::format("gzip {}", printable(path)), writer.get(), Errc::kInternal);
    }
  }
  return {};
}

Status unpack_archive(const fs::path& file, const fs::path& root, std::uint64_t limit) {
  const Utf8Locale locale;
  TG_TRY(const Reader reader, open_reader(file));
  TG_TRY(Beneath tree, Beneath::open(root));
  std::uint64_t left = limit;
  for (int entries = 0;; ++entries) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(reader.get(), &entry);
    if (got == ARCHIVE_EOF) return {};
    if (got < ARCHIVE_WARN) return archive_error("read the archive", reader.get(), Errc::kInvalid);
    if (entries >= kMostEntries) return fail(Errc::kInvalid, "the archive has too many entries");
    TG_CHECK(unpack_entry(reader.get(), entry, tree, left));
  }
}

Result<std::string> read_archived_file(const fs::path& file, const std::string& path, std::uint64_t limit) {
  const Utf8Locale locale;
  TG_TRY(const Reader reader, open_reader(file));
  for (int entries = 0; entries < kMostEntries; ++entries) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(reader.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got < ARCHIVE_WARN) return archive_error("read the archive", reader.get(), Errc::kInvalid);
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && path == name && archive_entry_filetype(entry) == AE_IFREG)
      return read_entry(reader.get(), path, limit);
  }
  return fail(Errc::kNotFound, fmt::format("there is no file {} in the artifacts", printable(path)));
}

}  // namespace tidegate::app
