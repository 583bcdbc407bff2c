#include "sys/file.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace tidegate::sys {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDirectory::make(fs::temp_directory_path(), "tg-file-");
    ASSERT_TRUE(made) << made.error().message;
    folder_.emplace(std::move(*made));
  }
  fs::path at(std::string_view name) const { return folder_->path() / name; }

  std::optional<TempDirectory> folder_;
};

TEST_F(FileTest, WritesAndReadsBytesAsTheyAre) {
  const std::string bytes("a\0\r\n\xff z", 7);
  ASSERT_TRUE(write_file_durably(at("x"), bytes, 0640));
  EXPECT_EQ(read_file(at("x")).value(), bytes);
  struct stat info{};
  ASSERT_EQ(::stat(at("x").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640U);
}

TEST_F(FileTest, DurableWriteReplacesAndLeavesNoTemporary) {
  ASSERT_TRUE(write_file_durably(at("x"), "old"));
  ASSERT_TRUE(write_file_durably(at("x"), "new"));
  EXPECT_EQ(read_file(at("x")).value(), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_->path()), fs::directory_iterator()), 1);
}

TEST_F(FileTest, DurableWriteThatFailsKeepsTheOldAndCleansUp) {
  ASSERT_TRUE(make_directories(at("taken/inside")));
  const auto result = write_file_durably(at("taken"), "x");  // rename of a file over a folder fails
  ASSERT_FALSE(result);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_->path()), fs::directory_iterator()), 1);
}

TEST_F(FileTest, NamesOfTheGreatestLengthCanBeWritten) {
  const std::string name(255, 'n');
  EXPECT_TRUE(write_file_durably(at(name), "x"));
  EXPECT_EQ(write_file_durably(at(name + "n"), "x").error().code, Errc::kInvalid);
}

TEST_F(FileTest, MissingFileIsNotFoundAndNamed) {
  const auto result = read_file(at("no\nsuch"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kNotFound);
  EXPECT_EQ(result.error().message.find('\n'), std::string::npos);
  EXPECT_NE(result.error().message.find("such"), std::string::npos);
}

TEST_F(FileTest, FolderCannotBeReadAsAFile) {
  EXPECT_EQ(read_file(folder_->path()).error().code, Errc::kInvalid);
}

TEST_F(FileTest, ReadRefusesMoreThanAllowed) {
  ASSERT_TRUE(write_file(at("x"), std::string(1000, 'x')));
  EXPECT_TRUE(read_file(at("x"), 1000));
  EXPECT_EQ(read_file(at("x"), 999).error().code, Errc::kInvalid);
}

TEST_F(FileTest, HashIsStreamed) {
  const std::string bytes(300'001, 'h');
  ASSERT_TRUE(write_file(at("x"), bytes));
  EXPECT_EQ(sha256_of_file(at("x")).value(), sha256_hex(bytes));
}

TEST_F(FileTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_TRUE(make_directories(at("kept")));
  ASSERT_TRUE(write_file(at("kept/file"), "x"));
  ASSERT_TRUE(make_directories(at("gone/deep")));
  fs::create_directory_symlink(at("kept"), at("gone/deep/link"));
  EXPECT_TRUE(remove_tree(at("gone")));
  EXPECT_FALSE(fs::exists(at("gone")));
  EXPECT_TRUE(fs::exists(at("kept/file")));
  EXPECT_TRUE(remove_tree(at("gone"))) << "missing is success";
}

TEST_F(FileTest, TempDirectoryGoesWithItsOwner) {
  fs::path seen;
  {
    auto inner = TempDirectory::make(folder_->path(), "in-");
    ASSERT_TRUE(inner);
    seen = inner->path();
    ASSERT_TRUE(write_file(seen / "x", "x"));
    TempDirectory moved = std::move(*inner);
    EXPECT_TRUE(fs::exists(seen));
  }
  EXPECT_FALSE(fs::exists(seen));
}

TEST(ErrnoError, CodeSaysWhatToDo) {
  EXPECT_EQ(errno_error("open /x", EACCES), (Error{Errc::kDenied, "open /x: Permission denied"}));
  EXPECT_EQ(errno_error("write", ENOSPC).code, Errc::kEnvironment);
}

}  // namespace
}  // namespace tidegate::sys
