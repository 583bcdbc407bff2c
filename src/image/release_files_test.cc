#include "image/release_files.h"

#include <gtest/gtest.h>

namespace tidegate::image {
namespace {

const std::vector<std::string> kPresent = {"models/__init__.py", "models/mlp.py", "requirements.lock",
                                           "train.py",           "train.pyc",     "wheels/a.whl"};

TEST(ReleaseFiles, TakesFilesAndWholeFolders) {
  const auto files = select_release_files({"train.py", "models/"}, kPresent);
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (std::vector<std::string>{"models/__init__.py", "models/mlp.py", "train.py"}));
  EXPECT_EQ(*select_release_files({"./models", "train.py"}, kPresent), *files);
}

TEST(ReleaseFiles, WithoutAListEverythingButWhatIsInstalled) {
  const auto files = select_release_files({}, kPresent);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->size(), 4U);
}

TEST(ReleaseFiles, NamesAllThatAreMissing) {
  const auto files = select_release_files({"train.py", "requirements.txt", "model"}, kPresent);
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Errc::kNotFound);
  EXPECT_NE(files.error().message.find("requirements.txt, model"), std::string::npos)
      << files.error().message;
}

TEST(ReleaseFiles, RefusesPathsThatLeave) {
  for (const std::string text : {"../x", "/etc/passwd", "", ".", "a/../../b"})
    EXPECT_EQ(select_release_files({text}, kPresent).error().code, Errc::kInvalid) << text;
}

}  // namespace
}  // namespace tidegate::image
