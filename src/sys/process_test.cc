#include "sys/process.h"

#include <cstdlib>
#include <fcntl.h>
#include <signal.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/text.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::sys {
namespace {

using namespace std::chrono_literals;

Command shell(std::string script) {
  Command command;
  command.argv = {"sh", "-c", std::move(script)};
  return command;
}

// True when the process is gone or a zombie: it can do nothing more.
bool is_dead(pid_t pid) {
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return true;
  const std::size_t paren = stat->rfind(')');
  return paren == std::string::npos || stat->at(paren + 2) == 'Z' || stat->at(paren + 2) == 'X';
}

bool dies_soon(pid_t pid) {
  const auto until = std::chrono::steady_clock::now() + 5s;
  while (!is_dead(pid) && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  return is_dead(pid);
}

TEST(Process, KeepsBothOutputsAndTheExitCode) {
  const auto result = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->out, "out\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit.exit_code, 3);
  EXPECT_FALSE(result->exit.signal);
  EXPECT_FALSE(result->exit.ok());
}

TEST(Process, ArgumentsAreNotReadByAShell) {
  Command command;
  command.argv = {"printf", "%s|", "a b", "$(id)", "'\"", "-x", "한글\n", ""};
  EXPECT_EQ(run_checked(command).value(), "a b|$(id)|'\"|-x|한글\n||");
}

TEST(Process, InputOfAnySizeGoesInAndComesBack) {
  Command command;
  command.argv = {"cat"};
  command.input.assign(3'000'000, 'i');
  EXPECT_EQ(run_checked(command).value().size(), command.input.size());
}

TEST(Process, ChildThatDoesNotReadItsInputDoesNotEndUs) {
  Command command;
  command.argv = {"true"};
  command.input.assign(3'000'000, 'i');
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.ok());
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(Process, WithoutInputStandardInputIsEmpty) {
  EXPECT_EQ(run_checked(shell("wc -c")).value(), "0\n");
}

TEST(Process, SignalIsReportedAsTheShellDoes) {
  const auto result = run(shell("kill -SEGV $$"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit.signal, SIGSEGV);
  EXPECT_EQ(result->exit.exit_code, 128 + SIGSEGV);
}

TEST(Process, TimeoutEndsTheWholeGroup) {
  Command command = shell("sleep 1000 & echo $!; wait");
  command.timeout = 200ms;
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.timed_out);
  EXPECT_FALSE(result->exit.ok());
  EXPECT_TRUE(dies_soon(static_cast<pid_t>(parse_integer(trim(result->out)).value())));
}

TEST(Process, ChildThatIgnoresTermIsKilledAfterTheGrace) {
  Command command = shell("trap '' TERM; while :; do sleep 1000; done");
  command.timeout = 100ms;
  command.grace = 100ms;
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.timed_out);
  EXPECT_EQ(result->exit.signal, SIGKILL);
}

TEST(Process, ChildMayCleanUpInTheGrace) {
  Command command = shell("trap 'echo cleaned; exit 7' TERM; sleep 1000 & wait");
  command.timeout = 300ms;
  const auto result = run(command);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "cleaned\n");
  EXPECT_EQ(result->exit.exit_code, 7);
  EXPECT_TRUE(result->exit.timed_out);
}

TEST(Process, StopFlagEndsItFromAnotherThread) {
  StopFlag stop;
  std::thread other([&] { stop.request_stop(); });
  const auto result = run(shell("sleep 1000"), &stop);
  other.join();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.stopped);
  EXPECT_EQ(result->exit.signal, SIGTERM);
}

TEST(Process, NothingIsLeftWhenTheLeaderEndsFirst) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = run(shell("sleep 1000 & echo $!"));  // the sleep holds the pipe open
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 100s);
  EXPECT_TRUE(dies_soon(static_cast<pid_t>(parse_integer(trim(result->out)).value())));
}

TEST(Process, ProcessThatLeftTheGroupDoesNotHoldUsUp) {
  // A new session holds our pipe open and tells through a second pipe when it has left the group.
  const auto result =
      run(shell("d=$(mktemp -d); mkfifo $d/f; setsid sh -c 'echo $$; echo > $0; exec sleep 1000' $d/f & "
                "cat $d/f > $d/x; rm -r $d"));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->exit.ok()) << result->err;
  const auto pid = parse_integer(trim(result->out));
  ASSERT_TRUE(pid) << result->out;
  EXPECT_FALSE(is_dead(static_cast<pid_t>(*pid))) << "else this shows nothing";
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
}

TEST(Process, FloodIsEndedAndRefused) {
  Command command;
  command.argv = {"yes"};
  command.max_output = 100'000;
  const auto result = run(command);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kFailed);
}

TEST(Process, StreamingMergesErrorsInOrder) {
  std::string seen;
  const auto exit = run_streaming(shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2"),
                                  [&](std::string_view bytes) { seen += bytes; });
  ASSERT_TRUE(exit);
  EXPECT_EQ(seen, "1\n2\n3\n4\n");
}

TEST(Process, EnvironmentIsReplacedAndExtended) {
  Command command;
  command.argv = {"env"};
  command.environment = std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}};
  command.extra_environment = {{"B", "3"}, {"C", "x=y\nz"}};
  EXPECT_EQ(run_checked(command).value(), "A=1\nB=3\nC=x=y\nz\n");
  ::setenv("TG_TEST_INHERITED", "yes", 1);
  command.environment.reset();
  EXPECT_NE(run_checked(command).value().find("TG_TEST_INHERITED=yes\n"), std::string::npos);
  ::unsetenv("TG_TEST_INHERITED");
}

TEST(Process, RunsInTheFolderNamed) {
  Command command;
  command.argv = {"pwd"};
  command.directory = "/usr";
  EXPECT_EQ(run_checked(command).value(), "/usr\n");
  command.directory = "/no/such";
  EXPECT_EQ(run(command).error().code, Errc::kNotFound);
  command.argv = {"./env"};
  command.directory = "/usr/bin";
  EXPECT_TRUE(run_checked(command)) << "a path counts from the child's folder";
}

TEST(Process, WhatCannotStartSaysWhy) {
  Command command;
  command.argv = {"no-such-program-here"};
  EXPECT_EQ(run(command).error().code, Errc::kEnvironment);
  EXPECT_NE(run(command).error().message.find("no-such-program-here"), std::string::npos);
  command.argv = {"echo", std::string("a\0b", 3)};
  EXPECT_EQ(run(command).error().code, Errc::kInvalid);
  command.argv = {"echo", std::string(3'000'000, 'x')};
  EXPECT_EQ(run(command).error().code, Errc::kInvalid) << "longer than the kernel takes";
  command.argv = {};
  EXPECT_EQ(run(command).error().code, Errc::kInvalid);
}

TEST(Process, ChildGetsNoDescriptorOfOursAndDefaultSignals) {
  const UniqueFd leak(::open("/dev/null", O_RDONLY));  // without close-on-exec, as some library may
  sigset_t term;
  sigset_t old;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &old);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto out =
      run_checked(shell("ls /proc/self/fd | wc -l; exec grep -E 'Sig(Blk|Ign)' /proc/self/status"));
  ::signal(SIGPIPE, old_handler);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ASSERT_TRUE(out);
  const auto lines = split(*out, '\n');
  ASSERT_GE(lines.size(), 3U) << *out;
  EXPECT_EQ(lines[0], "4") << "0, 1, 2 and ls's own";
  EXPECT_EQ(lines[1], "SigBlk:\t0000000000000000");
  const auto ignored = std::strtoull(lines[2].substr(lines[2].find('	') + 1).c_str(), nullptr, 16);
  EXPECT_EQ(ignored & 0x7fffffffU, 0U) << lines[2] << ": signals 32 and 33 belong to the C library";
}

TEST(Process, CheckedRunTellsTheLastLinesOfErrors) {
  const auto result = run_checked(shell("for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 4"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kFailed);
  EXPECT_NE(result.error().message.find("exit code 4"), std::string::npos);
  EXPECT_NE(result.error().message.find("line 7"), std::string::npos);
  EXPECT_EQ(result.error().message.find("line 2"), std::string::npos);
}

TEST(Process, NoZombieAndNoDescriptorIsLeft) {
  const auto open_fds = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  const auto before = open_fds();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(run(shell("exit 0")));
  EXPECT_EQ(open_fds(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no child at all";
}

TEST(FindProgram, LooksInPath) {
  EXPECT_TRUE(find_program("sh"));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_FALSE(find_program("/bin"));
  EXPECT_FALSE(find_program(""));
}

}  // namespace
}  // namespace tidegate::sys
