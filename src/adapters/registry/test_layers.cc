#include "adapters/registry/test_layers.h"

#include <locale.h>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/core.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::registry::testing {
namespace {

la_ssize_t append(archive*, void* out, const void* bytes, std::size_t count) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), count);
  return static_cast<la_ssize_t>(count);
}

void write_item(archive* tar, const Item& item) {
  archive_entry* entry = archive_entry_new();
  archive_entry_update_pathname_utf8(entry, item.entry.path.c_str());
  archive_entry_set_perm(entry, static_cast<mode_t>(item.entry.mode));
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_size(entry, static_cast<la_int64_t>(item.content.size()));
  switch (item.entry.kind) {
    case image::EntryKind::kFile:
      break;
    case image::EntryKind::kDirectory:
      archive_entry_set_filetype(entry, AE_IFDIR);
      break;
    case image::EntryKind::kSymlink:
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_update_symlink_utf8(entry, item.entry.link.c_str());
      break;
    case image::EntryKind::kHardlink:
      archive_entry_update_hardlink_utf8(entry, item.entry.link.c_str());
      break;
    case image::EntryKind::kOther:
      archive_entry_set_filetype(entry, AE_IFIFO);
      break;
  }
  archive_write_header(tar, entry);
  archive_write_data(tar, item.content.data(), item.content.size());
  archive_entry_free(entry);
}

// Writers of images name files in UTF-8; libarchive does so only in such a locale. The readers under test run
// in the plain "C" locale, as servers do.
class Utf8Locale {
 public:
  Utf8Locale() : utf8_(::newlocale(LC_ALL_MASK, "C.UTF-8", nullptr)), before_(::uselocale(utf8_)) {}
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    ::uselocale(before_);
    ::freelocale(utf8_);
  }

 private:
  locale_t utf8_;
  locale_t before_;
};

}  // namespace

std::string layer_bytes(const std::vector<Item>& items, Packing packing) {
  const Utf8Locale locale;
  std::string out;
  archive* tar = archive_write_new();
  archive_write_set_format_pax_restricted(tar);
  if (packing == Packing::kGzip) archive_write_add_filter_gzip(tar);
  if (packing == Packing::kZstd) archive_write_add_filter_zstd(tar);
  archive_write_set_bytes_in_last_block(tar, 1);
  archive_write_open(tar, &out, nullptr, &append, nullptr);
  for (const auto& item : items) write_item(tar, item);
  archive_write_close(tar);
  archive_write_free(tar);
  return out;
}

std::string write_image(const std::filesystem::path& directory, const std::vector<std::string>& layers,
                        const std::string& revision_label) {
  std::string diff_ids;
  std::string descriptors;
  for (const auto& layer : layers) {
    const std::string hex = sha256_hex(layer);
    sys::write_file(directory / hex, layer).value();
    // The uncompressed digest is not what these tests are about; nothing here reads it.
    diff_ids += fmt::format(R"({}"sha256:{}")", diff_ids.empty() ? "" : ",", hex);
    descriptors += fmt::format(
        R"({}{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":{},"digest":"sha256:{}"}})",
        descriptors.empty() ? "" : ",", layer.size(), hex);
  }
  const std::string config = fmt::format(
      R"({{"architecture":"amd64","os":"linux","config":{{"Labels":{{"org.opencontainers.image.revision":"{}"}}}},)"
      R"("rootfs":{{"type":"layers","diff_ids":[{}]}}}})",
      revision_label, diff_ids);
  sys::write_file(directory / sha256_hex(config), config).value();
  const std::string manifest = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"
      R"("config":{{"mediaType":"application/vnd.docker.container.image.v1+json","size":{},"digest":"sha256:{}"}},)"
      R"("layers":[{}]}})",
      config.size(), sha256_hex(config), descriptors);
  sys::write_file(directory / "manifest.json", manifest).value();
  sys::write_file(directory / "version", "Directory Transport Version: 1.1\n").value();
  return "sha256:" + sha256_hex(manifest);
}

}  // namespace tidegate::registry::testing
