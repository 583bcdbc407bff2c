#include "app/server/dotenv.h"

#include <zlib.h>

#include <gtest/gtest.h>

#include "sys/file.h"

namespace tidegate::app {
namespace {

std::string told(const pipeline::JobVariables& variables) {
  std::string out;
  for (const auto& variable : variables) out += variable.key + "=" + variable.value + ";";
  return out;
}

TEST(Dotenv, ReadsOneVariableALine) {
  EXPECT_EQ(told(parse_dotenv("A=1\n_b2=two words = one\r\nEMPTY=\n")), "A=1;_b2=two words = one;EMPTY=;");
  EXPECT_EQ(told(parse_dotenv("LAST=without newline")), "LAST=without newline;");
}

TEST(Dotenv, TakesValuesAsTheyStand) {
  const auto variables = parse_dotenv("Q=\"quoted\"\nD=$HOME `id`\n");
  EXPECT_EQ(told(variables), "Q=\"quoted\";D=$HOME `id`;");
  for (const auto& variable : variables) EXPECT_TRUE(variable.raw) << variable.key;
}

TEST(Dotenv, LeavesOutWhatIsNoVariable) {
  EXPECT_EQ(told(parse_dotenv("# comment=no\n=no\nA-B=no\nexport C=no\nnothing\n\nD=yes\n\xff=no\n")),
            "D=yes;");
}

TEST(Dotenv, StopsAtTheLimits) {
  std::string many;
  for (int i = 0; i < 30; ++i) many += "V" + std::to_string(i) + "=x\n";
  EXPECT_EQ(parse_dotenv(many).size(), 20U);
  EXPECT_TRUE(parse_dotenv("A=" + std::string(6000, 'x')).empty());
}

class DotenvFile : public testing::Test {
 protected:
  std::string read(std::string_view bytes, bool zipped) const {
    const auto file = folder_.path() / "dotenv.gz";
    if (zipped) {
      gzFile out = gzopen(file.c_str(), "wb");
      gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
      gzclose(out);
    } else {
      EXPECT_TRUE(sys::write_file_durably(file, bytes, 0600));
    }
    return told(read_dotenv(file));
  }

  sys::TempDirectory folder_ = *sys::TempDirectory::make("/tmp", "tg-dotenv-");
};

TEST_F(DotenvFile, IsRead) {
  EXPECT_EQ(read("A=1\n", true), "A=1;");
}

TEST_F(DotenvFile, ThatIsHugeOrBrokenAddsNothing) {
  EXPECT_EQ(read("A=" + std::string(10U << 20U, 'x'), true), "");
  EXPECT_EQ(read("\x1f\x8b\x08 cut", false), "");
  EXPECT_EQ(read("", false), "");
  EXPECT_TRUE(read_dotenv(folder_.path() / "not there").empty());
}

}  // namespace
}  // namespace tidegate::app
