// For tests: a registry of folders, a host that is a folder, and a request that fits them.
#pragma once

#include <atomic>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "app/deploy/deployer.h"
#include "app/deploy/local_host.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app::testing {

namespace fs = std::filesystem;

/// Images are folders by tag; a digest is made of the folder's name.
class FolderRegistry final : public ImageRegistry {
 public:
  explicit FolderRegistry(fs::path root) : root_(std::move(root)) {}
  static std::string digest_of(const std::string& tag) { return "sha256:" + sha256_hex(tag); }

  Result<ImageInfo> inspect(const std::string& reference) override {
    if (down) return fail(Errc::kUnavailable, "connection refused");
    const std::string tag = reference.substr(reference.rfind(':') + 1);
    if (!fs::exists(root_ / tag)) return fail(Errc::kNotFound, "manifest unknown");
    remember(tag);
    ImageInfo info;
    info.digest = digest_of(tag);
    info.labels = labels;
    if (!revision.empty()) info.labels["org.opencontainers.image.revision"] = revision;
    return info;
  }
  Status tag(const std::string&, const std::string&, const std::string&) override { return {}; }
  Status untag(const std::string&, const std::string&) override { return {}; }
  Status extract(const std::string&, const std::string& digest, const std::string&, const fs::path& to,
                 std::uint64_t, const sys::StopFlag* stop) override {
    ++extracts;
    sys::Command command;
    command.argv = {"cp", "-R", (root_ / tag_of(digest) / ".").string(), to.string()};
    TG_TRY(const auto out, sys::run_checked(command, stop));
    return {};
  }

  std::string revision;
  std::map<std::string, std::string> labels;
  bool down = false;
  std::atomic<int> extracts = 0;

 private:
  void remember(const std::string& tag) {
    const std::scoped_lock lock(mutex_);
    tags_[digest_of(tag)] = tag;
  }
  std::string tag_of(const std::string& digest) {
    const std::scoped_lock lock(mutex_);
    return tags_[digest];
  }

  fs::path root_;
  std::mutex mutex_;
  std::map<std::string, std::string> tags_;
};

/// Every reading is a second later, so that releases have different names.
class TickingClock final : public Clock {
 public:
  Instant now() const override { return start_ + Seconds{++readings_}; }

 private:
  Instant start_ = *parse_iso8601("2026-11-22T10:00:00Z");
  mutable std::atomic<int> readings_ = 0;
};

class DeployTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = temp_.path() / "srv";
    for (const char* folder : {"srv/shared", "images", "scratch"})
      ASSERT_TRUE(sys::make_directories(temp_.path() / folder));
    ASSERT_TRUE(sys::write_file(root_ / "shared/app.env",
                                "# settings\nexport GREETING=\"hello world\"\nCOST=$5\n", 0600));
    add_image("v1");
  }

  // A connection that breaks leaves the host's script running, as on a real host. Here the host is ours:
  // whatever still runs in this test's folder is ended with the test.
  void TearDown() override {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator("/proc", fs::directory_options::skip_permission_denied, error)) {
      const auto pid = parse_integer(entry.path().filename().native());
      if (!pid || *pid == ::getpid()) continue;
      const std::string command = sys::read_file(entry.path() / "cmdline").value_or("");
      const std::string folder = fs::read_symlink(entry.path() / "cwd", error).native();
      const std::string ours = temp_.path().native() + "/";
      if (command.contains(ours) || folder.starts_with(ours)) ::kill(static_cast<pid_t>(*pid), SIGKILL);
    }
  }

  // train.py says its version; smoke and check fail as the image's files say.
  void add_image(const std::string& tag, const std::string& smoke = "pass",
                 const std::string& check = "pass") {
    const fs::path image = temp_.path() / "images" / tag;
    ASSERT_TRUE(sys::make_directories(image / "models"));
    const std::string program =
        "import os, sys\nfrom models import kind\n"
        "if '--smoke' in sys.argv:\n    " +
        smoke +
        "\n"
        "elif '--check' in sys.argv:\n    " +
        check +
        "\n"
        "print('" +
        tag + "', kind.NAME, os.environ['TIDEGATE_RELEASE'], os.environ['GREETING'])\n";
    ASSERT_TRUE(sys::write_file(image / "train.py", program));
    ASSERT_TRUE(sys::write_file(image / "models/__init__.py", ""));
    ASSERT_TRUE(sys::write_file(image / "models/kind.py", "NAME = 'kind'\n"));
    ASSERT_TRUE(sys::write_file(image / "requirements.lock", "# nothing\n"));
  }

  // Gives an image a package "tidedemo" (with a program of that name) as a wheel, and the lock for it.
  void add_wheel(const std::string& tag, const std::string& version, bool right_hash = true) {
    const fs::path image = temp_.path() / "images" / tag;
    sys::Command command;
    command.argv = {"/usr/bin/python3", "-c", R"(
import base64, hashlib, os, sys, zipfile
image, version, right = sys.argv[1:]
info = f"tidedemo-{version}.dist-info/"
files = {"tidedemo.py": f"VERSION = '{version}'\ndef main():\n    import sys\n    print('tidedemo', VERSION, sys.prefix)\n",
         info + "METADATA": f"Metadata-Version: 2.1\nName: tidedemo\nVersion: {version}\n",
         info + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
         info + "entry_points.txt": "[console_scripts]\ntidedemo = tidedemo:main\n"}
record = "".join(f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}\n"
                 for name, text in files.items()) + info + "RECORD,,\n"
os.makedirs(image + "/wheels", exist_ok=True)
path = f"{image}/wheels/tidedemo-{version}-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    for name, text in {**files, info + "RECORD": record}.items():
        wheel.writestr(zipfile.ZipInfo(name), text)  # no time in it: the same bytes whenever it is made
digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
if right != "1":
    digest = "0" * 64
open(image + "/requirements.lock", "w").write(f"# wheels\ntidedemo=={version} --hash=sha256:{digest}\n")
)", image.string(), version, right_hash ? "1" : "0"};
    const auto made = sys::run_checked(command);
    ASSERT_TRUE(made) << made.error().message;
  }

  DeployRequest request(const std::string& deployment, const std::string& tag) const {
    DeployRequest out;
    out.deployment = deployment;
    out.target.name = "training";
    out.target.hosts = {"ssh://local"};
    out.target.path = root_;
    out.target.releases = {"bert", "kobart", "kogpt"};
    out.target.files = {"train.py", "models/"};
    out.target.env = "shared/app.env";
    out.target.python = "/usr/bin/python3";
    out.target.smoke = "python train.py --smoke";
    out.target.check = "python train.py --check";
    out.target.check_timeout = Seconds{20};
    out.repository = "registry.example/team/coach/training";
    out.reference = tag;
    out.commit = "0123456789abcdef0123456789abcdef01234567";
    out.project = "team/coach";
    out.pipeline = 7;
    out.data_uri = "s3://team-data/it's \"new\" 한.jsonl?versionId=3";
    return out;
  }

  Result<DeployOutcome> deploy(const DeployRequest& wanted, const sys::StopFlag* stop = nullptr) {
    lines_.clear();
    return deployer_.deploy(wanted, [&](std::string_view line) { lines_.emplace_back(line); }, stop);
  }
  DeployOutcome must_deploy(const std::string& deployment, const std::string& tag) {
    const auto outcome = deploy(request(deployment, tag));
    EXPECT_TRUE(outcome) << outcome.error().message;
    EXPECT_TRUE(outcome && outcome->live) << (outcome ? outcome->failed_step + ": " + outcome->message : "");
    return outcome.value_or(DeployOutcome{});
  }

  // As if the time of the lease had passed.
  void expire_lease() const {
    const auto line = sys::read_file(root_ / "state/lease").value_or("");
    const auto words = split(line, ' ');
    if (words.size() < 3) return;
    ASSERT_TRUE(sys::write_file(root_ / "state/lease", replace_all(line, " " + words[1] + " ", " 1 ")));
  }

  // The release that all members are on; a mixture is a failure of the test.
  std::string live() const {
    std::set<std::string> seen;
    for (const char* member : {"bert", "kobart", "kogpt"}) {
      std::error_code error;
      const auto link = fs::read_symlink(root_ / member / "current", error);
      seen.insert(error ? "" : link.filename().string());
    }
    EXPECT_EQ(seen.size(), 1U) << "the members are mixed";
    return *seen.begin();
  }
  // Output of a program as somebody on the host would start it.
  std::string run(const std::string& member, const std::vector<std::string>& arguments) const {
    sys::Command command;
    command.argv = {(root_ / member / "current/run").string()};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.directory = temp_.path();
    const auto out = sys::run_checked(command);
    return out ? std::string(trim(*out)) : out.error().message;
  }
  std::string all_lines() const { return join(lines_, "\n"); }

  sys::TempDirectory temp_ = sys::TempDirectory::make("/tmp", "tidegate-deploy-").value();
  fs::path root_;
  FolderRegistry registry_{temp_.path() / "images"};
  TickingClock clock_;
  LocalHostControl control_{.clock = &clock_};
  LocalHosts hosts_{control_};
  Deployer deployer_{registry_, hosts_, clock_, temp_.path() / "scratch"};
  std::vector<std::string> lines_;
};

}  // namespace tidegate::app::testing
