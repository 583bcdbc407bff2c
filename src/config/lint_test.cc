#include "config/lint.h"

#include <gtest/gtest.h>

#include "config/shell_words.h"
#include "config/testing.h"

namespace tidegate::config {
namespace {

Diagnostics lint_text(std::string_view text) {
  const Loaded loaded = testing::load_text(text);
  EXPECT_TRUE(loaded.definition) << testing::text_of(loaded.diagnostics);
  return loaded.definition ? lint(*loaded.definition) : Diagnostics();
}

TEST(ShellWords, CutsCommandsAndTakesQuotesOff) {
  const auto commands =
      shell_commands("A=1 sudo docker push \"$X:latest\" && echo 'a; b' # c\nssh h 'x | y'");
  ASSERT_EQ(commands.size(), 3U);
  EXPECT_EQ(commands[0], (Command{"docker", "push", "$X:latest"}));
  EXPECT_EQ(commands[1], (Command{"echo", "a; b"}));
  EXPECT_EQ(commands[2], (Command{"ssh", "h", "x | y"}));
}

TEST(ShellWords, TakesTextThatEndsInTheMiddle) {
  for (const char* text : {"", "#", "'", "\"a", "a\\", "\"a\\", "|;&()", "# x\n"}) shell_commands(text);
}

struct Fault {
  const char* code;
  const char* wrong;
  const char* right;
};

const Fault kFaults[] = {
    {"latest-before-test",
     "b: {stage: build, script: ['docker push $R:latest']}\nt: {stage: test, script: make}",
     "b: {stage: build, script: ['docker push $R:$CI_COMMIT_SHORT_SHA']}\nt: {stage: test, script: make}\n"
     "p: {stage: deploy, script: ['docker push $R:latest']}"},
    {"push-without-login",
     "b: {script: ['docker build -t $CI_REGISTRY_IMAGE .', 'docker push $CI_REGISTRY_IMAGE']}",
     "b: {before_script: ['docker login -u x'], script: ['docker push $CI_REGISTRY_IMAGE']}"},
    {"folded-heredoc", "d:\n  script:\n    - ssh h <<EOF\n      cd /srv\n      EOF\n",
     "d:\n  script:\n    - |\n      ssh h <<EOF\n      cd /srv\n      EOF\n"},
    {"image-without-tag", "j: {image: python, script: x}", "j: {image: 'python:3.11', script: x}"},
    {"image-without-tag", "j: {image: 'h:5000/team/app', script: x}", "j: {image: $IMAGE, script: x}"},
    {"image-of-other-job",
     "b: {stage: build, script: ['docker build -t app .']}\nt: {script: ['docker run --rm app pytest']}",
     "b: {stage: build, script: ['docker build -t app .', 'docker push app']}\nt: {script: ['docker run app "
     "x']}"},
    {"key-file-on-no-runner", "d: {script: ['ssh -i /home/me/key.pem host ls']}",
     "d: {script: ['echo \"$KEY\" > /tmp/key', 'chmod 600 /tmp/key', 'ssh -i /tmp/key host ls', 'ssh -i $K "
     "h']}"},
    {"pytest-not-there", "t: {image: 'python:3.11', script: [pytest train.py]}",
     "t: {image: 'python:3.11', before_script: [pip install pytest], script: [pytest train.py]}"},
    {"upgrade-in-place", "d: {script: ['ssh host \"pip install --upgrade -r requirements.txt\"']}",
     "d: {script: ['ssh host \"systemctl status\"']}"},
};

TEST(Lint, ExplainsEachUsualFaultAndNotItsRightForm) {
  for (const Fault& fault : kFaults) {
    EXPECT_TRUE(testing::find(lint_text(fault.wrong), fault.code)) << fault.wrong;
    const auto good = lint_text(fault.right);
    EXPECT_FALSE(testing::find(good, fault.code)) << fault.right << "\n" << testing::text_of(good);
  }
}

TEST(Lint, NamesTheLine) {
  const auto found = lint_text("d:\n  script:\n    - make\n    - ssh h <<EOF\n      ls\n      EOF\n");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].place.line, 4U);
  EXPECT_EQ(found[0].severity, Severity::kWarning);
}

}  // namespace
}  // namespace tidegate::config
