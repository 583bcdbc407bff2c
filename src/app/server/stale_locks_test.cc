#include "app/server/stale_locks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace tidegate::app {
namespace {

class StaleLocks : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(sys::make_directories(repository_ / "refs/heads/tidegate"));
    put("HEAD", Millis{0});
    put("refs/heads/main", Millis{0});
  }

  void put(const std::string& name, Millis age) const {
    const auto path = repository_ / name;
    ASSERT_TRUE(sys::write_file(path, "x"));
    const auto since = (now_ - age).time_since_epoch();
    const timespec at{since.count() / 1000, since.count() % 1000 * 1'000'000};
    const timespec times[2] = {at, at};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  bool there(const std::string& name) const { return std::filesystem::exists(repository_ / name); }
  Millis remove() const { return remove_stale_locks(repository_, now_).value(); }

  const Instant now_{Millis{1'800'000'000'000}};
  sys::TempDirectory folder_ = *sys::TempDirectory::make("/tmp", "tg-locks-");
  std::filesystem::path repository_ = folder_.path() / "project.git";
};

TEST_F(StaleLocks, OldOnesGoAndNothingElse) {
  for (const char* name : {"refs/heads/main.lock", "refs/heads/tidegate/training-1.lock", "packed-refs.lock",
                           "HEAD.lock", "config.lock"})
    put(name, Millis{5000});
  put("refs/heads/lockdown", Millis{5000});
  EXPECT_EQ(remove(), Millis{0});
  for (const char* name : {"refs/heads/main.lock", "refs/heads/tidegate/training-1.lock", "packed-refs.lock",
                           "HEAD.lock", "config.lock"})
    EXPECT_FALSE(there(name)) << name;
  EXPECT_TRUE(there("HEAD") && there("refs/heads/main") && there("refs/heads/lockdown"));
}

TEST_F(StaleLocks, YoungOnesMayBeInUse) {
  put("refs/heads/main.lock", Millis{500});
  put("HEAD.lock", Millis{1500});
  EXPECT_EQ(remove(), Millis{1500});
  EXPECT_TRUE(there("refs/heads/main.lock") && there("HEAD.lock"));
}

TEST_F(StaleLocks, OfTheFutureCannotBeTrusted) {
  put("HEAD.lock", Millis{-60'000});
  EXPECT_EQ(remove(), Millis{0});
  EXPECT_FALSE(there("HEAD.lock"));
}

TEST_F(StaleLocks, ARepositoryThatIsNotThereHasNone) {
  EXPECT_EQ(remove_stale_locks(folder_.path() / "none.git", now_).value(), Millis{0});
}

}  // namespace
}  // namespace tidegate::app
