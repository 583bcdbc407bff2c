#include "adapters/registry/extract.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "adapters/registry/test_layers.h"
#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::registry {
namespace {
namespace fs = std::filesystem;
using testing::Item;

class Extract : public ::testing::Test {
 protected:
  Blob add(const std::string& bytes) const {
    const std::string digest = "sha256:" + sha256_hex(bytes);
    EXPECT_TRUE(sys::write_file(cache_.blob(digest), bytes));
    return {digest, bytes.size(), ""};
  }
  Status extract(const std::vector<Blob>& layers, std::uint64_t max_bytes = 1U << 20U,
                 const std::string& from = "/opt/release") {
    to_ = temp_.path() / ("to" + std::to_string(++count_));
    EXPECT_TRUE(sys::make_directories(to_));
    Manifest manifest;
    manifest.layers = layers;
    return extract_layers(cache_, manifest, from, to_, max_bytes, nullptr);
  }
  std::string read(const std::string& path) const { return sys::read_file(to_ / path).value_or("<missing>"); }

  sys::TempDirectory temp_ = sys::TempDirectory::make("/tmp", "tidegate-extract-").value();
  BlobCache cache_ = BlobCache::open(temp_.path() / "cache", nullptr).value();
  fs::path to_;
  int count_ = 0;
};

TEST_F(Extract, AppliesLayersOfEveryPacking) {
  const auto base = add(testing::layer_bytes({testing::folder("opt"), testing::file("etc/passwd", "root"),
                                              testing::file("opt/release/train.py", "old"),
                                              testing::file("opt/release/gone.py", "x"),
                                              testing::file("opt/release/run", "#!/bin/sh\n", 0755)}));
  const auto middle = add(testing::layer_bytes(
      {testing::file("opt/release/train.py", "new"), testing::file("opt/release/.wh.gone.py", "")},
      testing::Packing::kZstd));
  const auto top = add(testing::layer_bytes({testing::file("opt/release/데이터/한글 파일.txt", "수학"),
                                             testing::symlink("opt/release/link", "train.py"),
                                             testing::hardlink("opt/release/hard", "opt/release/train.py")},
                                            testing::Packing::kPlain));
  const auto done = extract({base, middle, top});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(read("train.py"), "new");
  EXPECT_EQ(read("데이터/한글 파일.txt"), "수학");
  EXPECT_EQ(read("link"), "new");
  EXPECT_EQ(read("hard"), "new");
  EXPECT_FALSE(fs::exists(to_ / "gone.py"));
  EXPECT_FALSE(fs::exists(to_ / "etc"));
  EXPECT_EQ(fs::status(to_ / "run").permissions() & fs::perms::owner_exec, fs::perms::owner_exec);
}

TEST_F(Extract, ALayerThatCannotMatterIsReadOnce) {
  const auto base = add(testing::layer_bytes({testing::file("usr/lib/huge", std::string(100000, 'x'))}));
  const auto top = add(testing::layer_bytes({testing::file("opt/release/a", "1")}));
  ASSERT_TRUE(extract({base, top}));
  EXPECT_TRUE(cache_.known_untouched(base.digest, "/opt/release"));
  EXPECT_FALSE(cache_.known_untouched(base.digest, "/usr"));
  EXPECT_FALSE(cache_.known_untouched(top.digest, "/opt/release"));
  cache_.drop(base.digest);
  EXPECT_TRUE(extract({base, top}));
}

TEST_F(Extract, ADamagedBlobIsFoundAndDropped) {
  const std::string bytes = testing::layer_bytes({testing::file("opt/release/a", std::string(5000, 'a'))},
                                                 testing::Packing::kPlain);
  for (const std::size_t at : {std::size_t{600}, bytes.size() - 1, std::size_t{3}}) {
    const auto layer = add(bytes);
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(sys::write_file(cache_.blob(layer.digest), damaged));
    const auto done = extract({layer});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, Errc::kFailed) << done.error().message;
    EXPECT_FALSE(cache_.use(layer.digest));
  }
  const auto cut = add(bytes);
  ASSERT_TRUE(sys::write_file(cache_.blob(cut.digest), bytes.substr(0, 2000)));
  EXPECT_EQ(extract({cut}).error().code, Errc::kFailed);
}

TEST_F(Extract, RefusesHostileLayersAndWritesNothingOutside) {
  const std::vector<std::vector<Item>> hostile = {
      {testing::file("opt/release/../../../../tmp/tidegate-evil", "x")},
      {testing::symlink("opt/release/out", "/tmp"), testing::file("opt/release/out/tidegate-evil", "x")},
      {testing::symlink("opt/release/out", "../.."), testing::file("opt/release/out/tidegate-evil", "x")},
      {testing::file("/opt/release/a", "x")},
      {testing::file("opt/release/su", "x", 04755)},
      {testing::hardlink("opt/release/h", "etc/shadow")},
      {{{"opt/release/fifo", image::EntryKind::kOther, 0644, 0, ""}, ""}},
      {testing::file("opt/release/big", std::string((1U << 20U) + 1, 'x'))},
  };
  for (const auto& items : hostile) {
    const auto done = extract({add(testing::layer_bytes(items))});
    ASSERT_FALSE(done) << items.front().entry.path;
    EXPECT_EQ(done.error().code, Errc::kInvalid) << done.error().message;
    EXPECT_FALSE(fs::exists("/tmp/tidegate-evil"));
    EXPECT_FALSE(fs::exists(temp_.path() / "tidegate-evil"));
  }
}

TEST_F(Extract, SaysWhenTheFolderIsMissing) {
  const auto layer = add(testing::layer_bytes({testing::file("opt/other/a", "x")}));
  EXPECT_EQ(extract({layer}).error().code, Errc::kNotFound);
  EXPECT_EQ(extract({add(testing::layer_bytes({}))}).error().code, Errc::kNotFound);
  EXPECT_EQ(extract({add("this is no archive at all, but it has the right digest")}).error().code,
            Errc::kInvalid);
}

TEST_F(Extract, StopsWhenAsked) {
  sys::StopFlag stop;
  stop.request_stop();
  Manifest manifest;
  manifest.layers = {add(testing::layer_bytes({testing::file("opt/release/a", "x")}))};
  const auto done = extract_layers(cache_, manifest, "/opt/release", temp_.path() / "to", 100, &stop);
  EXPECT_EQ(done.error().code, Errc::kCanceled);
}

}  // namespace
}  // namespace tidegate::registry
