#include "release/host_fit.h"

#include <gtest/gtest.h>

namespace tidegate::release {
namespace {

const HostAbi kBookworm{"3.11.2", "cpython-311-x86_64-linux-gnu", "linux-x86_64", "2.36"};

TEST(HostFit, WheelsByTheirTags) {
  const struct {
    const char* file;
    bool fits;
  } cases[] = {
      {"numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", true},
      {"numpy-2.1.0-cp312-cp312-manylinux_2_17_x86_64.whl", false},
      {"numpy-2.1.0-cp311-cp311-manylinux_2_17_aarch64.whl", false},
      {"numpy-2.1.0-cp311-cp311-manylinux_2_39_x86_64.whl", false},
      {"numpy-2.1.0-cp311-cp311-musllinux_1_2_x86_64.whl", false},
      {"numpy-2.1.0-cp311-cp311-win_amd64.whl", false},
      {"six-1.16.0-py2.py3-none-any.whl", true},
      {"old-1.0-py2-none-any.whl", false},
      {"new-1.0-py312-none-any.whl", false},
      {"any-1.0-py39-none-any.whl", true},
      {"cryptography-43.0-cp39-abi3-manylinux_2_28_x86_64.whl", true},
      {"cryptography-43.0-cp313-abi3-manylinux_2_28_x86_64.whl", false},
      {"built-1.0-1-cp311-cp311-linux_x86_64.whl", true},
      {"tool-1.0-py3-none-manylinux1_x86_64.whl", true},
      {"odd.whl", false},
      {"odd-1.0-cp-cp-any.whl", false},
      {"odd-1.0-cp3x1-none-any.whl", false},
      {"x-1-py3-none-manylinux_2__x86_64.whl", false},
      {"", false},
  };
  for (const auto& one : cases) EXPECT_EQ(wheel_fits(one.file, kBookworm), one.fits) << one.file;
}

TEST(HostFit, OnlyPackagesOfTheLockMatter) {
  const std::string lock =
      "# made by pip\nNum.Py==2.1.0 \\\n    --hash=sha256:00\nsix==1.16.0 --hash=sha256:11\n";
  EXPECT_TRUE(check_wheels(lock,
                           {"num_py-2.1.0-cp311-cp311-linux_x86_64.whl", "six-1.16.0-py3-none-any.whl",
                            "else-1-cp27-cp27m-win32.whl"},
                           kBookworm));
  const auto refused = check_wheels(lock, {"num_py-2.1.0-cp312-cp312-linux_x86_64.whl"}, kBookworm);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Python 3.11.2"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(check_wheels(lock, {}, kBookworm));
  EXPECT_TRUE(check_wheels(
      lock, {"num_py-2.1.0-cp312-cp312-linux_x86_64.whl", "num_py-2.1.0-cp311-cp311-linux_x86_64.whl"},
      kBookworm));
}

TEST(HostFit, LabelsOfTheImage) {
  EXPECT_TRUE(check_labels({}, kBookworm));
  EXPECT_TRUE(check_labels({{"tidegate.python", "3.11.9"}, {"tidegate.glibc", "2.36"}}, kBookworm));
  EXPECT_TRUE(check_labels({{"tidegate.glibc", "2.4"}}, kBookworm));
  EXPECT_FALSE(check_labels({{"tidegate.python", "3.12.1"}}, kBookworm));
  EXPECT_FALSE(check_labels({{"tidegate.glibc", "2.41"}}, kBookworm));
  EXPECT_FALSE(check_labels({{"tidegate.soabi", "cpython-311-aarch64-linux-gnu"}}, kBookworm));
  EXPECT_TRUE(check_labels({{"tidegate.python", "3.12"}}, {}));
}

TEST(HostFit, RoomInBytesAndInodes) {
  const auto need =
      room_needed({.files = 10, .bytes = 1000, .wheels = 2, .wheel_bytes = 1U << 20U, .members = 3});
  EXPECT_TRUE(check_room(need, {need.bytes, need.inodes}, "/srv"));
  EXPECT_TRUE(check_room(need, {need.bytes, std::nullopt}, "/srv"));
  EXPECT_FALSE(check_room(need, {need.bytes - 1, need.inodes}, "/srv"));
  const auto few = check_room(need, {need.bytes, *need.inodes - 1}, "/srv");
  ASSERT_FALSE(few);
  EXPECT_NE(few.error().message.find("inodes"), std::string::npos);
}

TEST(HostFit, ClocksThatDiffer) {
  EXPECT_EQ(clock_skew(100, 101, 102), 0);
  EXPECT_EQ(clock_skew(100, 90, 102), -10);
  EXPECT_EQ(clock_skew(100, 112, 102), 10);
  EXPECT_TRUE(check_clock(300));
  EXPECT_TRUE(check_clock(-300));
  EXPECT_FALSE(check_clock(301));
  EXPECT_FALSE(check_clock(-86400));
}

}  // namespace
}  // namespace tidegate::release
