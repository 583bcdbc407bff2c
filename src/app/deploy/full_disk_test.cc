// The host's disk fills up before every step in turn: no room, or no inodes. A small tmpfs stands for it.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "app/deploy/deploy_fixture.h"

namespace tidegate::app {
namespace {

using testing::FolderRegistry;
namespace fs = std::filesystem;

class FullDiskTest : public testing::DeployTest {
 protected:
  void SetUp() override {
    DeployTest::SetUp();
    if (::mount("tmpfs", root_.c_str(), "tmpfs", 0, "size=160m,nr_inodes=4000") != 0)
      GTEST_SKIP() << "a tmpfs cannot be mounted here (needs root)";
    mounted_ = true;
    ASSERT_TRUE(sys::make_directories(root_ / "shared"));
    ASSERT_TRUE(sys::write_file(root_ / "shared/app.env", "GREETING=hello\n"));
  }
  void TearDown() override {
    DeployTest::TearDown();
    if (mounted_) ::umount2(root_.c_str(), MNT_DETACH);
  }

  DeployRequest plain(const std::string& deployment, const std::string& tag) const {
    auto wanted = request(deployment, tag);
    wanted.target.smoke = wanted.target.check = "true";
    wanted.target.keep = 1;
    return wanted;
  }
  void fill_bytes() const {
    const std::string part(1U << 16U, 'x');
    const int fd = ::open((root_ / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (std::size_t size = part.size(); size > 0;)
      if (::write(fd, part.data(), size) <= 0) size /= 2;
    ::close(fd);
  }
  void fill_inodes() const {
    std::error_code error;
    fs::create_directory(root_ / "fillers", error);
    for (int i = 0;; ++i) {
      const int fd =
          ::open((root_ / "fillers" / std::to_string(i)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      if (fd < 0) return;
      ::close(fd);
    }
  }
  void empty() const {
    fs::remove(root_ / "filler");
    ASSERT_TRUE(sys::remove_tree(root_ / "fillers"));
  }
  // The disk fills up before call after call, and stays full until the deployment has returned.
  void at_every_call(const std::function<void()>& fill) {
    ASSERT_TRUE(deploy(plain("d", "v1"))->live) << all_lines();
    add_image("v2");
    int back = 0;
    int live_all_the_same = 0;
    int at = 0;
    for (; at < 60; ++at) {
      SCOPED_TRACE("call " + std::to_string(at));
      const auto before = live();
      bool flipped = false;
      auto wanted = plain("d" + std::to_string(at), "v2");
      wanted.on_flip = [&](const std::string&, const std::string&) -> Status {
        flipped = true;
        return {};
      };
      control_.calls = 0;
      control_.before = [&](int call) {
        if (call == at) fill();
      };
      const auto outcome = deploy(wanted);
      control_.before = {};
      const bool had_its_turn = control_.calls > at;
      const auto now = live();
      if (outcome && outcome->live) {
        ++live_all_the_same;
        EXPECT_EQ(now, outcome->release);
      } else {
        // What has flipped goes back though the disk is full still.
        EXPECT_EQ(now, before) << all_lines();
        if (flipped) {
          EXPECT_TRUE(outcome && outcome->rolled_back) << all_lines();
          ++back;
        }
      }
      empty();
      if (!had_its_turn) break;
      const auto next = deploy(plain("n" + std::to_string(at), at % 2 == 0 ? "v1" : "v2"));
      ASSERT_TRUE(next && next->live) << (next ? next->message : next.error().message) << all_lines();
    }
    EXPECT_GT(at, 12);
    EXPECT_LT(at, 60);
    RecordProperty("taken_back", back);
    RecordProperty("live_all_the_same", live_all_the_same);
  }

  bool mounted_ = false;
};

TEST_F(FullDiskTest, NoRoomAtEveryCall) {
  at_every_call([&] { fill_bytes(); });
}

TEST_F(FullDiskTest, NoInodesAtEveryCall) {
  at_every_call([&] { fill_inodes(); });
}

TEST_F(FullDiskTest, TooLittleRoomIsSaidBeforeAnythingIsMade) {
  fill_bytes();
  fs::resize_file(root_ / "filler", fs::file_size(root_ / "filler") - (32U << 20U));
  const auto bytes = deploy(plain("d1", "v1"));
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_NE(bytes->message.find("MB free"), std::string::npos) << bytes->message;
  empty();
  fill_inodes();
  for (int i = 0; i < 60; ++i) fs::remove(root_ / "fillers" / std::to_string(i));
  const auto inodes = deploy(plain("d2", "v1"));
  ASSERT_TRUE(inodes) << inodes.error().message;
  EXPECT_NE(inodes->message.find("inodes free"), std::string::npos) << inodes->message;
  EXPECT_EQ(live(), "");
}

}  // namespace
}  // namespace tidegate::app
