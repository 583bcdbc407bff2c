#include "app/local/env_file.h"

#include <gtest/gtest.h>

namespace tidegate::app {
namespace {

TEST(EnvFile, ReadsWhatDotenvToolsWrite) {
  const auto read = parse_env_file(
      "\xEF\xBB\xBF# secrets\n\nTOKEN=a=b$c\nexport NAME = \"two words\"\r\nLINES=\"a\\nb\\\\\\\"\\$x\\q\"\n "
      " "
      "PLAIN='a\\n $b'\nEMPTY=\nQUOTE=it's\n",
      ".env");
  ASSERT_TRUE(read) << read.error().message;
  std::vector<std::string> out;
  for (const auto& variable : *read) {
    out.push_back(variable.key + "|" + variable.value);
    EXPECT_TRUE(variable.raw);
  }
  EXPECT_EQ(out, (std::vector<std::string>{"TOKEN|a=b$c", "NAME|two words", "LINES|a\nb\\\"$x\\q",
                                           "PLAIN|a\\n $b", "EMPTY|", "QUOTE|it's"}));
}

TEST(EnvFile, NamesTheLineThatIsWrongAndNotItsValue) {
  for (const char* text : {"A=1\nhunter2\n", "A=1\n2X=hunter2\n", "A=1\nX Y=hunter2\n", "A=1\n=hunter2\n",
                           "A=1\nX=\"hunter2\n", "A=1\nX='\n", "A=1\n\x80\xff=hunter2"}) {
    const auto read = parse_env_file(text, ".env");
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().message.starts_with(".env:2: ")) << read.error().message;
    EXPECT_EQ(read.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace tidegate::app
