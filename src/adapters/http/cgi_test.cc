// With the real git, both sides.
#include "adapters/http/cgi.h"

#include <gtest/gtest.h>

#include "adapters/http/cgi_head.h"
#include "adapters/http/router.h"
#include "adapters/http/server.h"
#include "base/sha256.h"
#include "sys/file.h"
#include "sys/http_client.h"
#include "sys/process.h"

namespace tidegate::http {
namespace {

TEST(CgiHead, IsParsedWhenComplete) {
  EXPECT_EQ(*parse_cgi_head("Status: 404 Not Found\r\nContent-Type"), std::nullopt);
  const auto head = parse_cgi_head("Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\nbody");
  ASSERT_TRUE(head && *head);
  EXPECT_EQ((*head)->status, 404U);
  EXPECT_EQ((*head)->headers, (Headers{{"Content-Type", "text/plain"}}));
  EXPECT_EQ((*head)->size, 51U);
  EXPECT_EQ((*parse_cgi_head("A: b\n\n"))->status, 200U);
  EXPECT_FALSE(parse_cgi_head("no header\n\n"));
  EXPECT_FALSE(parse_cgi_head("Status: no\n\n"));
}

class GitOverHttp : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "tg-git-");
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
    backend_.project_root = folder_->path() / "root";
    ASSERT_TRUE(sys::make_directories(backend_.project_root / "group"));
    git({"init", "-q", "--bare", "-b", "main", (backend_.project_root / "group/name.git").string()});
    Router router;
    router.add("*", "/git/:user/*rest", [this](Request request, Reply reply) {
      const auto user = request.param("user") == "anonymous" ? "" : request.param("user");
      const auto rest = "/" + request.param("rest");
      if (request.body.file) spooled_ = true;
      if (request.header("content-encoding") == "gzip") gzipped_ = true;
      serve_git(backend_, std::move(request), rest, user, {{"TIDEGATE_TEST", "hook sees this"}},
                std::move(reply));
    });
    Options options;
    options.listen = {{"127.0.0.1:0", {}}};
    options.body_limit = [](std::string_view, std::string_view) { return 1U << 30U; };
    auto server = Server::start(options, router);
    ASSERT_TRUE(server);
    server_ = *std::move(server);
  }

  std::string url(const std::string& user) const {
    return "http://" + server_->addresses().at(0) + "/git/" + user + "/group/name.git";
  }

  sys::Captured git_raw(std::vector<std::string> argv) {
    sys::Command command;
    command.argv = {"git"};
    command.argv.insert(command.argv.end(), argv.begin(), argv.end());
    command.extra_environment = {{"GIT_CONFIG_GLOBAL", "/dev/null"}, {"GIT_CONFIG_NOSYSTEM", "1"},
                                 {"GIT_TERMINAL_PROMPT", "0"},       {"GIT_AUTHOR_NAME", "a"},
                                 {"GIT_AUTHOR_EMAIL", "a@b"},        {"GIT_COMMITTER_NAME", "a"},
                                 {"GIT_COMMITTER_EMAIL", "a@b"},     {"no_proxy", "127.0.0.1"}};
    auto result = sys::run(command);
    EXPECT_TRUE(result);
    return result ? *result : sys::Captured{};
  }
  std::string git(std::vector<std::string> argv) {
    const auto result = git_raw(std::move(argv));
    EXPECT_TRUE(result.exit.ok()) << result.err;
    return result.out + result.err;
  }

  std::optional<sys::TempDirectory> folder_;
  GitBackend backend_;
  std::unique_ptr<Server> server_;
  std::atomic<bool> spooled_ = false;
  std::atomic<bool> gzipped_ = false;
};

TEST_F(GitOverHttp, PushesLargePacksAndClonesThemAgain) {
  const auto work = (folder_->path() / "work").string();
  git({"init", "-q", "-b", "main", work});
  std::string noise;
  while (noise.size() < 4U << 20U) noise += random_hex(32768);
  ASSERT_TRUE(sys::write_file(work + "/big.bin", noise));
  git({"-C", work, "add", "."});
  git({"-C", work, "commit", "-q", "-m", "big"});
  ASSERT_TRUE(sys::write_file(backend_.project_root / "group/name.git/hooks/post-receive",
                              "#!/bin/sh\necho \"$REMOTE_USER: $TIDEGATE_TEST\"\n", 0755));
  const auto said = git({"-C", work, "push", url("alice"), "main"});
  EXPECT_NE(said.find("alice: hook sees this"), std::string::npos) << said;
  EXPECT_TRUE(spooled_) << "a pack of 2 MiB is not kept in memory";

  const auto copy = (folder_->path() / "copy").string();
  git({"clone", "-q", url("anonymous"), copy});
  EXPECT_EQ(*sys::read_file(copy + "/big.bin"), noise);

  // Commits here that the server does not know make a request long enough for git to compress it.
  for (int i = 0; i < 50; ++i) {
    git({"-C", copy, "commit", "-q", "--allow-empty", "-m", "local " + std::to_string(i)});
  }
  git({"-C", work, "commit", "-q", "--allow-empty", "-m", "remote"});
  git({"-C", work, "push", "-q", url("alice"), "main"});
  git({"-C", copy, "fetch", "-q", "origin"});
  EXPECT_TRUE(gzipped_);
  EXPECT_EQ(git({"-C", copy, "rev-parse", "origin/main"}), git({"-C", work, "rev-parse", "main"}));
}

TEST_F(GitOverHttp, AnonymousMayNotPushAndRefusedHooksAreSeen) {
  const auto work = (folder_->path() / "work").string();
  git({"init", "-q", "-b", "main", work});
  git({"-C", work, "commit", "-q", "--allow-empty", "-m", "x"});
  const auto refused = git_raw({"-C", work, "push", url("anonymous"), "main"});
  EXPECT_FALSE(refused.exit.ok());
  EXPECT_NE(refused.err.find("403"), std::string::npos) << refused.err;
  ASSERT_TRUE(sys::write_file(backend_.project_root / "group/name.git/hooks/pre-receive",
                              "#!/bin/sh\necho 'protected branch' >&2\nexit 1\n", 0755));
  const auto hooked = git_raw({"-C", work, "push", url("alice"), "main"});
  EXPECT_FALSE(hooked.exit.ok());
  EXPECT_NE(hooked.err.find("protected branch"), std::string::npos) << hooked.err;
}

TEST_F(GitOverHttp, WhatIsNotARepositoryIs404) {
  sys::HttpClient client;
  sys::HttpRequest request;
  const auto get = [&](const std::string& path) {
    request.url = "http://" + server_->addresses().at(0) + "/git/alice/" + path;
    const auto answer = client.send(request);
    return answer ? answer->status : -1;
  };
  EXPECT_EQ(get("group/none.git/info/refs?service=git-upload-pack"), 404);
  EXPECT_EQ(get("group%2F..%2F..%2Fetc/passwd"), 404);
  EXPECT_EQ(get(""), 404);
  EXPECT_EQ(get("group/name.git/info/refs?service=git-upload-pack"), 200);
  EXPECT_EQ(get("group/name.git/info/refs?service=git-evil"), 403);
}

}  // namespace
}  // namespace tidegate::http
