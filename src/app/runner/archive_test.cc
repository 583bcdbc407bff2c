#include "app/runner/archive.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include "app/runner/tree_walk.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kLimit = 1U << 30U;

class Archives : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "archive-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    from_ = folder_->path() / "from";
    to_ = folder_->path() / "to";
    fs::create_directories(from_);
    fs::create_directories(to_);
  }
  void file(const std::string& path, const std::string& content) const {
    fs::create_directories((from_ / path).parent_path());
    ASSERT_TRUE(sys::write_file(from_ / path, content));
  }
  std::string read(const std::string& path) const { return sys::read_file(to_ / path).value_or("<missing>"); }
  fs::path archive() const { return folder_->path() / "archive"; }

  // An archive as an attacker makes it: any name, any type.
  struct Evil {
    std::string name;
    std::string content;
    std::string link;
    std::string hard_link;
  };
  void evil(const std::vector<Evil>& entries, bool zip = true) const {
    ::archive* a = archive_write_new();
    if (zip)
      archive_write_set_format_zip(a);
    else
      archive_write_set_format_pax_restricted(a);
    archive_write_open_filename(a, archive().c_str());
    for (const Evil& one : entries) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, one.name.c_str());
      archive_entry_set_mode(entry, one.link.empty() ? S_IFREG | 04777 : S_IFLNK | 0777);
      archive_entry_set_size(entry, static_cast<la_int64_t>(one.content.size()));
      if (!one.link.empty()) archive_entry_set_symlink(entry, one.link.c_str());
      if (!one.hard_link.empty()) archive_entry_set_hardlink(entry, one.hard_link.c_str());
      archive_write_header(a, entry);
      archive_write_data(a, one.content.data(), one.content.size());
      archive_entry_free(entry);
    }
    archive_write_close(a);
    archive_write_free(a);
  }

  std::optional<sys::TempDirectory> folder_;
  fs::path from_, to_;
};

TEST_F(Archives, WhatWasPackedComesOutTheSame) {
  file("a.txt", "hello");
  file("dir/한국어 이름.txt", "korean");
  file("dir/run.sh", "#!/bin/sh\n");
  file("-leading $(dash)\n'quote'", "odd");
  fs::permissions(from_ / "dir/run.sh", fs::perms::owner_all);
  fs::create_directories(from_ / "empty");
  fs::create_symlink("/usr/bin/python3", from_ / "dir/python");
  ::mkfifo((from_ / "pipe").c_str(), 0600);
  for (const ArchiveForm form : {ArchiveForm::kZip, ArchiveForm::kTarZstd}) {
    ASSERT_TRUE(sys::remove_tree(to_));
    fs::create_directories(to_);
    const auto paths = list_tree(from_);
    ASSERT_TRUE(paths);
    const auto packed = make_archive(from_, *paths, form, archive());
    ASSERT_TRUE(packed) << packed.error().message;
    EXPECT_EQ(*packed, 5U + 6U + 10U + 3U);
    const auto unpacked = unpack_archive(archive(), to_, kLimit);
    ASSERT_TRUE(unpacked) << unpacked.error().message;
    EXPECT_EQ(read("a.txt"), "hello");
    EXPECT_EQ(read("dir/한국어 이름.txt"), "korean");
    EXPECT_EQ(read("-leading $(dash)\n'quote'"), "odd");
    EXPECT_EQ(fs::read_symlink(to_ / "dir/python"), "/usr/bin/python3");
    EXPECT_TRUE((fs::status(to_ / "dir/run.sh").permissions() & fs::perms::owner_exec) != fs::perms::none);
    EXPECT_TRUE(fs::is_directory(to_ / "empty"));
    EXPECT_FALSE(fs::exists(to_ / "pipe"));
  }
}

TEST_F(Archives, NamesThatLeadOutsideAreRefused) {
  for (const std::string name : {"../out", "a/../../out", "/tmp/tidegate-out", "a//b/../../../out", "a/.."}) {
    evil({{name, "x", "", ""}});
    const auto unpacked = unpack_archive(archive(), to_, kLimit);
    ASSERT_FALSE(unpacked) << name;
    EXPECT_EQ(unpacked.error().code, Errc::kInvalid) << name;
    EXPECT_FALSE(fs::exists(folder_->path() / "out"));
  }
}

TEST_F(Archives, NothingIsWrittenThroughALink) {
  const fs::path outside = folder_->path() / "outside";
  fs::create_directories(outside);
  ASSERT_TRUE(sys::write_file(outside / "kept", "kept"));
  evil({{"door", "", outside.native(), ""}, {"door/in", "x", "", ""}});
  EXPECT_EQ(unpack_archive(archive(), to_, kLimit).error().code, Errc::kInvalid);
  EXPECT_FALSE(fs::exists(outside / "in"));
  // A link that stands in for a file is replaced, not followed.
  fs::create_symlink(outside / "kept", to_ / "file");
  evil({{"file", "new", "", ""}});
  ASSERT_TRUE(unpack_archive(archive(), to_, kLimit));
  EXPECT_EQ(read("file"), "new");
  EXPECT_EQ(sys::read_file(outside / "kept").value_or(""), "kept");
}

TEST_F(Archives, HardLinksAreRefusedAndSetUserIdIsDropped) {
  evil({{"link", "", "", "/etc/passwd"}}, false);
  EXPECT_FALSE(unpack_archive(archive(), to_, kLimit));
  evil({{"program", "x", "", ""}});
  ASSERT_TRUE(unpack_archive(archive(), to_, kLimit));
  struct stat info{};
  ASSERT_EQ(::stat((to_ / "program").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07000U, 0U);
}

TEST_F(Archives, BombsStopAtTheLimit) {
  file("zeros", std::string(20U << 20U, '\0'));
  ASSERT_TRUE(make_archive(from_, {"zeros"}, ArchiveForm::kZip, archive()));
  EXPECT_LT(fs::file_size(archive()), 200'000U);
  const auto unpacked = unpack_archive(archive(), to_, 1U << 20U);
  ASSERT_FALSE(unpacked);
  EXPECT_EQ(unpacked.error().code, Errc::kInvalid);
}

TEST_F(Archives, BrokenOnesAreAnError) {
  file("a", std::string(100'000, 'a') + "unlike");
  ASSERT_TRUE(make_archive(from_, {"a"}, ArchiveForm::kZip, archive()));
  const std::string whole = sys::read_file(archive()).value();
  for (const std::string& bytes :
       {std::string(), std::string("not an archive"), whole.substr(0, whole.size() / 2)}) {
    ASSERT_TRUE(sys::write_file(archive(), bytes));
    EXPECT_FALSE(unpack_archive(archive(), to_, kLimit)) << bytes.size();
  }
}

TEST_F(Archives, PackingDoesNotFollowLinksOnTheWay) {
  fs::create_directories(folder_->path() / "outside");
  ASSERT_TRUE(sys::write_file(folder_->path() / "outside/secret", "secret"));
  fs::create_symlink(folder_->path() / "outside", from_ / "door");
  EXPECT_FALSE(make_archive(from_, {"door/secret"}, ArchiveForm::kZip, archive()));
  EXPECT_FALSE(make_archive(from_, {"../outside/secret"}, ArchiveForm::kZip, archive()));
}

TEST_F(Archives, GzippedReportsFollowOneAnother) {
  file("a.xml", "<a/>\n");
  file("b.xml", "<b/>\n");
  ASSERT_TRUE(make_gzip(from_, {"a.xml", "b.xml"}, archive()));
  ::archive* a = archive_read_new();
  archive_read_support_format_raw(a);
  archive_read_support_filter_gzip(a);
  ASSERT_EQ(archive_read_open_filename(a, archive().c_str(), 10240), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  ASSERT_EQ(archive_read_next_header(a, &entry), ARCHIVE_OK);
  char text[64] = {};
  EXPECT_EQ(archive_read_data(a, text, sizeof text), 10);
  EXPECT_STREQ(text, "<a/>\n<b/>\n");
  archive_read_free(a);
}

class Walk : public Archives {
 protected:
  std::vector<std::string> select(std::vector<std::string> paths, std::vector<std::string> exclude = {}) {
    auto selected =
        select_files(from_, "/builds/group/name", {std::move(paths), std::move(exclude), false, nullptr});
    EXPECT_TRUE(selected);
    counts_ = selected->counts;
    return selected->paths;
  }
  std::vector<PatternCount> counts_;
};

TEST_F(Walk, GlobsFindWhatTheyName) {
  for (const char* path :
       {"a.txt", "b.txt", "dir/a.txt", "dir/sub/deep.txt", "dir-2/x", ".hidden", ".git/config"}) {
    file(path, "x");
  }
  using Paths = std::vector<std::string>;
  EXPECT_EQ(select({"*.txt"}), (Paths{"a.txt", "b.txt"}));
  EXPECT_EQ(select({"**/*.txt"}), (Paths{"a.txt", "b.txt", "dir/a.txt", "dir/sub/deep.txt"}));
  EXPECT_EQ(select({"dir"}), (Paths{"dir", "dir/a.txt", "dir/sub", "dir/sub/deep.txt"}));
  EXPECT_EQ(select({"./dir//"}), select({"dir"}));
  EXPECT_EQ(select({"/builds/group/name/dir"}), select({"dir"}));
  EXPECT_EQ(select({"dir/**"}), (Paths{"dir/a.txt", "dir/sub", "dir/sub/deep.txt"}));
  EXPECT_EQ(select({"dir/**"}, {"dir/sub/**"}), (Paths{"dir/a.txt", "dir/sub"}));
  EXPECT_EQ(select({"{a,b}.txt", "?.txt"}), (Paths{"a.txt", "b.txt"}));
  EXPECT_EQ(select({"."}, {"**/*.txt", "dir/sub", "dir", "dir-2"}), (Paths{".hidden", "dir-2/x"}));
  EXPECT_EQ(select({"none", "a.txt"}), (Paths{"a.txt"}));
  EXPECT_EQ(counts_[0].found, 0U);
  EXPECT_EQ(counts_[1].found, 1U);
}

TEST_F(Walk, WhatIsOutsideIsRefused) {
  file("a", "x");
  fs::create_symlink("/etc", from_ / "door");
  EXPECT_TRUE(select({"/etc/passwd", "../secret", "a/../../x", "door/passwd"}).empty());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(counts_[static_cast<std::size_t>(i)].problem.empty()) << i;
  EXPECT_EQ(counts_[3].found, 0U);
}

TEST_F(Walk, UntrackedIsWhatTheSourcesDidNotHave) {
  file("source.py", "x");
  file("made/new.bin", "x");
  const std::unordered_set<std::string> tracked{"source.py"};
  const auto selected = select_files(from_, "/p", {{}, {}, true, &tracked});
  ASSERT_TRUE(selected);
  EXPECT_EQ(selected->paths, (std::vector<std::string>{"made", "made/new.bin"}));
}

}  // namespace
}  // namespace tidegate::app
