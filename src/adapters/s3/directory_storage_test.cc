#include "adapters/s3/directory_storage.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "sys/file.h"

namespace tidegate::s3 {
namespace {

namespace fs = std::filesystem;

class DirectoryStorageTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make("/tmp", "tg-dir-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    ASSERT_TRUE(sys::make_directories(root()));
  }
  fs::path root() const { return folder_->path() / "data"; }
  fs::path out() const { return folder_->path() / "out"; }
  void put(const std::string& name, std::string_view content) {
    ASSERT_TRUE(sys::make_directories((root() / name).parent_path()));
    ASSERT_TRUE(sys::write_file(root() / name, content));
  }
  std::vector<std::string> listed(const std::string& after = "") {
    std::vector<std::string> keys;
    const auto done = storage_.list(
        "", root().native() + "/", after,
        [&](const app::ObjectInfo& info) {
          EXPECT_TRUE(info.key.starts_with(root().native() + "/")) << info.key;
          EXPECT_TRUE(info.bucket.empty());
          keys.push_back(info.key.substr(root().native().size() + 1));
          return true;
        },
        nullptr);
    EXPECT_TRUE(done) << done.error().message;
    return keys;
  }
  app::ObjectInfo head(const std::string& name) {
    return storage_.head("", (root() / name).native(), "").value();
  }

  std::optional<sys::TempDirectory> folder_;
  DirectoryStorage storage_;
};

TEST_F(DirectoryStorageTest, ListsFilesBelowInOrder) {
  put("b.csv", "1");
  put("a b+$(x)\n\"한.csv", "2");
  put("-rf/deep/c.csv", "3");
  put(".hidden", "x");
  put(".tmp/x", "x");
  fs::create_directory(root() / "empty");
  EXPECT_EQ(listed(), (std::vector<std::string>{"-rf/deep/c.csv", "a b+$(x)\n\"한.csv", "b.csv"}));
}

TEST_F(DirectoryStorageTest, ListsInTheOrderOfBytesFromAnyPlace) {
  for (const char* name : {"a/x", "a/y/z", "a.b", "a-b/c", "a", "b", "a0", "한"}) {
    if (std::string_view(name) != "a") put(name, "1");
  }
  const std::vector<std::string> all = {"a-b/c", "a.b", "a/x", "a/y/z", "a0", "b", "한"};
  EXPECT_EQ(listed(), all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string after = (root() / all[i]).native();
    EXPECT_EQ(listed(after), (std::vector<std::string>(all.begin() + static_cast<long>(i) + 1, all.end())))
        << all[i];
  }
  EXPECT_EQ(listed((root() / "a/xx").native()).front(), "a/y/z") << "whether that file is there or not";
}

TEST_F(DirectoryStorageTest, ALinkedFolderIsWalkedWhereItIs) {
  put("z/f", "1");
  put(".hidden/f", "1");
  fs::create_symlink("z", root() / "a");
  fs::create_symlink(".hidden", root() / "shown");
  EXPECT_EQ(listed(), (std::vector<std::string>{"shown/f", "z/f"}));
}

TEST_F(DirectoryStorageTest, LinksOutOfTheFolderAreLeftOut) {
  put("real/a", "1");
  ASSERT_TRUE(sys::write_file(folder_->path() / "secret", "s"));
  fs::create_symlink(folder_->path() / "secret", root() / "out");
  fs::create_symlink("/etc", root() / "etc");
  fs::create_symlink("real/a", root() / "in");
  fs::create_symlink("nowhere", root() / "broken");
  fs::create_symlink("..", root() / "up");
  fs::create_symlink(".", root() / "loop");
  ASSERT_EQ(::mkfifo((root() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(listed(), (std::vector<std::string>{"in", "real/a"}));
}

TEST_F(DirectoryStorageTest, ListingMayEndEarlyAndBeStopped) {
  put("a", "1");
  put("d/b", "2");
  int seen = 0;
  const auto once = [&](const app::ObjectInfo&) { return ++seen < 1; };
  EXPECT_TRUE(storage_.list("", root().native(), "", once, nullptr));
  EXPECT_EQ(seen, 1);
  sys::StopFlag stop;
  stop.request_stop();
  EXPECT_EQ(storage_.list("", root().native(), "", once, &stop).error().code, Errc::kCanceled);
}

TEST_F(DirectoryStorageTest, FolderThatIsNotThere) {
  const auto ignore = [](const app::ObjectInfo&) { return true; };
  EXPECT_EQ(storage_.list("", (root() / "no").native(), "", ignore, nullptr).error().code, Errc::kNotFound);
  put("f", "1");
  EXPECT_FALSE(storage_.list("", (root() / "f").native(), "", ignore, nullptr));
  EXPECT_EQ(storage_.list("", "relative", "", ignore, nullptr).error().code, Errc::kInvalid);
  EXPECT_EQ(storage_.list("bucket", root().native(), "", ignore, nullptr).error().code, Errc::kInvalid);
}

TEST_F(DirectoryStorageTest, DownloadsExactlyThatVersion) {
  const std::string bytes(300'000, 'x');
  put("a", bytes);
  const auto info = head("a");
  EXPECT_EQ(info.size, bytes.size());
  EXPECT_EQ(storage_.download(info, out(), nullptr).value(), sha256_hex(bytes));
  EXPECT_EQ(sys::read_file(out()).value(), bytes);
}

TEST_F(DirectoryStorageTest, ReplacedOrChangedIsAConflict) {
  put("a", "one");
  const auto info = head("a");
  ASSERT_TRUE(sys::write_file_durably(root() / "a", "two"));  // same size, other file
  EXPECT_EQ(storage_.download(info, out(), nullptr).error().code, Errc::kConflict);
  const auto second = head("a");
  EXPECT_NE(second.etag, info.etag);
  put("a", "three");  // same file, written to
  EXPECT_EQ(storage_.download(second, out(), nullptr).error().code, Errc::kConflict);
  fs::remove(root() / "a");
  EXPECT_EQ(storage_.download(second, out(), nullptr).error().code, Errc::kNotFound);
  EXPECT_FALSE(fs::exists(out())) << "nothing half done is left";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_->path()), fs::directory_iterator()), 1);
}

TEST_F(DirectoryStorageTest, ALinkSwappedInIsNotFollowedUnseen) {
  put("a", "data");
  ASSERT_TRUE(sys::write_file(folder_->path() / "secret", "key!"));
  const auto info = head("a");
  fs::remove(root() / "a");
  fs::create_symlink(folder_->path() / "secret", root() / "a");
  EXPECT_EQ(storage_.download(info, out(), nullptr).error().code, Errc::kConflict);
}

TEST_F(DirectoryStorageTest, APipeInItsPlaceDoesNotHang) {
  put("a", "data");
  const auto info = head("a");
  fs::remove(root() / "a");
  ASSERT_EQ(::mkfifo((root() / "a").c_str(), 0600), 0);
  EXPECT_EQ(storage_.download(info, out(), nullptr).error().code, Errc::kConflict);
  EXPECT_EQ(storage_.head("", (root() / "a").native(), "").error().code, Errc::kNotFound);
}

TEST_F(DirectoryStorageTest, WrongSizeIsInvalid) {
  put("a", "data");
  auto info = head("a");
  info.etag.clear();
  info.size = 3;
  EXPECT_EQ(storage_.download(info, out(), nullptr).error().code, Errc::kInvalid);
}

TEST_F(DirectoryStorageTest, EmptyFile) {
  put("a", "");
  EXPECT_EQ(storage_.download(head("a"), out(), nullptr).value(), sha256_hex(""));
}

}  // namespace
}  // namespace tidegate::s3
