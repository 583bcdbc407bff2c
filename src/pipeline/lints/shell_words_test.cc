#include "pipeline/lints/shell_words.h"

#include <gtest/gtest.h>

namespace tidegate::pipeline::lints {
namespace {

using Words = std::vector<std::string>;

TEST(ShellWords, CutsCommandsAndTakesQuotesOff) {
  const auto commands =
      shell_commands("A=1 sudo docker push \"$X:latest\" && echo 'a; b' # c\nssh h 'x | y'");
  ASSERT_EQ(commands.size(), 3U);
  EXPECT_EQ(commands[0].words, (Words{"docker", "push", "$X:latest"}));
  EXPECT_EQ(commands[0].after, Joint::kAnd);
  EXPECT_EQ(commands[1].words, (Words{"echo", "a; b"}));
  EXPECT_EQ(commands[2].words, (Words{"ssh", "h", "x | y"}));
}

TEST(ShellWords, TellsPipesFromAlternativesAndFilesFromTheLog) {
  const auto commands = shell_commands("a | b || c; d > f 2>&1; e 2> g; h &> i; j >&2");
  ASSERT_EQ(commands.size(), 7U);
  EXPECT_EQ(commands[0].after, Joint::kPipe);
  EXPECT_EQ(commands[1].after, Joint::kOr);
  EXPECT_TRUE(commands[3].to_file);
  EXPECT_EQ(commands[3].words, (Words{"d"}));
  EXPECT_FALSE(commands[4].to_file);
  EXPECT_TRUE(commands[5].to_file);
  EXPECT_FALSE(commands[6].to_file);
}

TEST(ShellWords, KeepsTheTextOfAHereDocumentWithItsCommand) {
  const auto commands = shell_commands("ssh h <<'END' > log\npip install x\n  END\nls");
  ASSERT_EQ(commands.size(), 2U);
  EXPECT_EQ(commands[0].heredoc, "pip install x\n");
  EXPECT_EQ(commands[1].words, (Words{"ls"}));
}

TEST(ShellWords, TakesTextThatEndsInTheMiddle) {
  for (const char* text : {"", "#", "'", "\"a", "a\\", "\"a\\", "|;&()", "# x\n", "<<", "a <<E", "a <<E\n",
                           "a >", "a >&", "2>", "&>", "a <<''\nb\n"})
    EXPECT_NO_FATAL_FAILURE(shell_commands(text));
}

}  // namespace
}  // namespace tidegate::pipeline::lints
