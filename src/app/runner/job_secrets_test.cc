#include "app/runner/job_secrets.h"

#include <gtest/gtest.h>

#include "sys/file.h"

namespace tidegate::app {
namespace {

class Secrets : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(std::filesystem::temp_directory_path(), "secrets-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    settings.secrets_directory = folder_->path();
    put("A", "common\n");
    put("B", "b1\nb2\n\n");
    put("team/coach/A", "own");
    message.project_path = "team/coach";
    message.git.ref = "main";
  }
  void put(const std::string& name, const std::string& text) {
    const auto file = folder_->path() / name;
    ASSERT_TRUE(sys::make_directories(file.parent_path()));
    ASSERT_TRUE(sys::write_file(file, text));
  }
  Result<pipeline::JobVariables> read(const std::string& key, bool file = true) {
    message.secrets = {{key, "vault", file}};
    return read_secrets(message, settings);
  }

  std::optional<sys::TempDirectory> folder_;
  RunnerSettings settings;
  pipeline::JobMessage message;
};

TEST_F(Secrets, TheProjectsOwnComesFirst) {
  const auto own = read("A");
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_EQ(own->at(0).value, "own");
  EXPECT_TRUE(own->at(0).masked && own->at(0).file && own->at(0).raw);
  message.project_path = "team/other";
  EXPECT_EQ(read("A", false)->at(0).value, "common");
  EXPECT_FALSE(read("A", false)->at(0).file);
  EXPECT_EQ(read("B")->at(0).value, "b1\nb2\n");
}

TEST_F(Secrets, SaysWhatToDoWithoutOne) {
  const auto none = read("NONE");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("team/coach/NONE"), std::string::npos) << none.error().message;
  EXPECT_NE(none.error().message.find("vault"), std::string::npos);
  settings.secrets_directory.clear();
  EXPECT_FALSE(read("A"));
}

TEST_F(Secrets, OnlyProtectedRefsGetThem) {
  message.may_have_secrets = false;
  const auto denied = read("A");
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Errc::kDenied);
}

TEST_F(Secrets, NoNameLeadsElsewhere) {
  for (const char* name : {"../A", "a/b", "", ".", "A\n"}) EXPECT_FALSE(read(name)) << name;
  message.project_path = "../..";
  EXPECT_EQ(read("A")->at(0).value, "common");
}

}  // namespace
}  // namespace tidegate::app
