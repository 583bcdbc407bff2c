// What fits a host, against what its own pip says, and as a deployment says it.
#include <set>

#include "app/deploy/deploy_fixture.h"
#include "release/host_fit.h"

namespace tidegate::app {
namespace {

using testing::DeployTest;
namespace fs = std::filesystem;

std::string python(const std::string& program) {
  sys::Command command;
  command.argv = {"/usr/bin/python3", "-c", program};
  const auto out = sys::run_checked(command);
  return out ? std::string(trim(*out)) : "";
}

// Every tag that pip would install fits, and of the neighbours of each only those that pip lists as well.
TEST(HostFitPython, TagsAreThoseOfPip) {
  const auto listed = split(python("from pip._vendor.packaging import tags\n"
                                   "print('\\n'.join(str(tag) for tag in tags.sys_tags()))"),
                            '\n');
  if (listed.size() < 10) GTEST_SKIP() << "this machine's Python has no pip";
  const auto words = split(python("import platform, sys, sysconfig\n"
                                  "print(sys.version.split()[0], sysconfig.get_config_var('SOABI'),"
                                  " sysconfig.get_platform(), platform.libc_ver()[1])"),
                           ' ');
  ASSERT_EQ(words.size(), 4U);
  const release::HostAbi host{words[0], words[1], words[2], words[3]};
  const std::set<std::string> all(listed.begin(), listed.end());
  int refused = 0;
  for (const auto& tag : listed) {
    EXPECT_TRUE(release::wheel_fits("x-1.0-" + tag + ".whl", host)) << tag;
    for (const auto& [from, to] :
         std::vector<std::pair<std::string, std::string>>{{"cp3", "cp39"},
                                                          {"py3", "py39"},
                                                          {"x86_64", "aarch64"},
                                                          {"manylinux_2_", "manylinux_2_9"},
                                                          {"abi3", "none"},
                                                          {"none", "abi3"},
                                                          {"any", "win32"},
                                                          {"cp311", "cp310"}}) {
      const auto other = replace_all(tag, from, to);
      if (all.contains(other) || other == tag) continue;
      EXPECT_FALSE(release::wheel_fits("x-1.0-" + other + ".whl", host)) << other;
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(DeployTest, AnImageForAnotherPythonIsRefusedBeforeAnythingIsSent) {
  registry_.labels = {{"tidegate.python", "2.7.18"}};
  const auto labels = deploy(request("d1", "v1"));
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->failed_step, "preflight");
  EXPECT_NE(labels->message.find("built for Python 2.7.18"), std::string::npos) << labels->message;
  registry_.labels.clear();
  add_wheel("v1", "1.0");
  const auto wheels = temp_.path() / "images/v1/wheels";
  fs::rename(wheels / "tidedemo-1.0-py3-none-any.whl", wheels / "tidedemo-1.0-cp27-cp27mu-linux_x86_64.whl");
  const auto tags = deploy(request("d2", "v1"));
  ASSERT_TRUE(tags) << tags.error().message;
  EXPECT_EQ(tags->failed_step, "install");
  EXPECT_NE(tags->message.find("cp27mu"), std::string::npos) << tags->message;
  EXPECT_FALSE(fs::exists(root_ / "state/incoming"));
  EXPECT_EQ(live(), "");
}

}  // namespace
}  // namespace tidegate::app
