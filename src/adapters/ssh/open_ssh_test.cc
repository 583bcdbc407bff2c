// Against a real sshd: TIDEGATE_SSH_CONFIG and TIDEGATE_TRAINING_HOST, as `tools/lab/lab env` prints them.
#include "adapters/ssh/open_ssh.h"

#include <cstdlib>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::ssh {
namespace {
namespace fs = std::filesystem;

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class OpenSshTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (env("TIDEGATE_TRAINING_HOST").empty())
      GTEST_SKIP() << "no host: set TIDEGATE_SSH_CONFIG and TIDEGATE_TRAINING_HOST (tools/lab/lab env)";
    auto connected = hosts_.connect("ssh://" + env("TIDEGATE_TRAINING_HOST"), nullptr);
    ASSERT_TRUE(connected) << connected.error().message;
    host_ = std::move(*connected);
    directory_ = std::string(trim(run("mktemp -d /tmp/tidegate-ssh-XXXXXX").out));
    ASSERT_FALSE(directory_.empty());
  }
  void TearDown() override {
    if (host_ && !directory_.empty()) run("rm -rf -- \"$1\"", {directory_});
  }
  app::RemoteResult run(const std::string& script, const std::vector<std::string>& arguments = {}) {
    auto result = host_->run(script, arguments, Seconds{20}, nullptr);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(app::RemoteResult{});
  }

  sys::TempDirectory temp_ = sys::TempDirectory::make("/tmp", "tidegate-ssh-").value();
  OpenSsh hosts_{{.config_file = env("TIDEGATE_SSH_CONFIG"), .control_dir = temp_.path() / "c"}};
  std::unique_ptr<app::TargetHost> host_;
  std::string directory_;
};

TEST_F(OpenSshTest, RunsScriptsWithHostileArguments) {
  const std::vector<std::string> arguments = {
      "a b", "$(touch /tmp/evil)", "it's", "-n", "한글", "line\nbreak", "", "\"\\`", "*"};
  const auto result = run("for a in \"$@\"; do printf '[%s]' \"$a\"; done; echo err >&2; exit 7", arguments);
  std::string want;
  for (const auto& argument : arguments) want += "[" + argument + "]";
  EXPECT_EQ(result.out, want);
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_code, 7);
}

TEST_F(OpenSshTest, AProgramCannotEatTheScript) {
  EXPECT_EQ(run("cat; echo after").out, "after\n");
}

TEST_F(OpenSshTest, SharesOneConnection) {
  const auto first = run("echo \"${SSH_CONNECTION}\"").out;
  EXPECT_EQ(run("echo \"${SSH_CONNECTION}\"").out, first);
  EXPECT_EQ(fs::status(temp_.path() / "c").permissions(), fs::perms::owner_all);
}

TEST_F(OpenSshTest, UploadsAFolderWithModes) {
  const fs::path local = temp_.path() / "folder";
  ASSERT_TRUE(sys::make_directories(local / "models"));
  ASSERT_TRUE(sys::write_file(local / "run", "#!/bin/sh\n", 0755));
  ASSERT_TRUE(sys::write_file(local / "models/-한글 $(x).py", std::string(3U << 20U, 'x')));
  const std::string to = directory_ + "/it's a folder";
  const auto done = host_->upload(local, to, nullptr);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(run("cd \"$1\" && stat -c '%a %s' run models/*", {to}).out, "755 10\n644 3145728\n");
}

TEST_F(OpenSshTest, UploadSaysWhatFailed) {
  const auto missing = host_->upload(temp_.path() / "nothing", directory_ + "/x", nullptr);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kFailed);
  ASSERT_TRUE(sys::make_directories(temp_.path() / "some"));
  ASSERT_TRUE(sys::write_file(temp_.path() / "some/file", "x"));
  const auto denied = host_->upload(temp_.path() / "some", "/proc/nothing", nullptr);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::kFailed);
  EXPECT_NE(denied.error().message.find("mkdir"), std::string::npos) << denied.error().message;
}

TEST_F(OpenSshTest, EndsWhenAskedOrLate) {
  sys::StopFlag stop;
  stop.request_stop();
  EXPECT_EQ(host_->run("sleep 20", {}, Seconds{20}, &stop).error().code, Errc::kCanceled);
  const auto late = host_->run("sleep 20", {}, Millis{200}, nullptr);
  EXPECT_EQ(late.error().code, Errc::kUnavailable);
  EXPECT_EQ(run("echo still here").out, "still here\n");
}

TEST_F(OpenSshTest, StreamsOutput) {
  std::string seen;
  const auto result = host_->run("echo one; echo two", {}, Seconds{20}, nullptr,
                                 [&](std::string_view bytes) { seen += bytes; });
  ASSERT_TRUE(result);
  EXPECT_EQ(seen, "one\ntwo\n");
}

TEST_F(OpenSshTest, SaysWhyThereIsNoConnection) {
  EXPECT_EQ(hosts_.connect("ssh://127.0.0.1:1", nullptr).error().code, Errc::kUnavailable);
  EXPECT_EQ(hosts_.connect("ssh://nobody@" + env("TIDEGATE_TRAINING_HOST"), nullptr).error().code,
            Errc::kDenied);
  EXPECT_EQ(hosts_.connect("ssh://-x", nullptr).error().code, Errc::kInvalid);
  OpenSsh far{{.config_file = {}, .control_dir = "/tmp/" + std::string(80, 'x')}};
  EXPECT_EQ(far.connect("ssh://a", nullptr).error().code, Errc::kEnvironment);
}

// The connection under the shared one is cut: the next script must say so or find a new way, never hang.
TEST_F(OpenSshTest, ALostConnectionIsAnErrorAndTheNextOneIsNew) {
  const auto result = host_->run("kill -9 $PPID", {}, Seconds{20}, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kUnavailable);
  EXPECT_EQ(run("echo back").out, "back\n");
}

}  // namespace
}  // namespace tidegate::ssh
