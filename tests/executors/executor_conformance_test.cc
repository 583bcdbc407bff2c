// The contract of app/ports/executor.h, asked of every executor.
// The Docker one needs TIDEGATE_DOCKER_SOCKET and an image (TIDEGATE_TEST_IMAGE, debian:bookworm-slim by
// default) that has sh, setsid and mkfifo; without the socket its tests are skipped.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "adapters/docker/docker_executor.h"
#include "adapters/shell/shell_executor.h"
#include "app/ports/executor.h"
#include "app/runner/job_script.h"
#include "base/sha256.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate {
namespace {

namespace fs = std::filesystem;
constexpr Millis kLong{60'000};

struct Subject {
  std::string name;
  std::function<std::unique_ptr<app::Executor>(const std::string& runner)> make;  // nullptr: not here

  friend void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }
};

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

class ExecutorConformance : public testing::TestWithParam<Subject> {
 protected:
  void SetUp() override {
    executor_ = GetParam().make("conformance-" + random_hex(6));
    if (!executor_) GTEST_SKIP() << "TIDEGATE_DOCKER_SOCKET is not set: no Docker Engine to test with";
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "executor-");
    ASSERT_TRUE(made) << made.error().message;
    folder_.emplace(std::move(*made));
    space_.project_host = folder_->path() / "builds/group/name";
    space_.scratch = folder_->path() / "scratch";
    ASSERT_TRUE(sys::make_directories(space_.project_host));
    ASSERT_TRUE(sys::make_directories(space_.scratch));
    space_.project_inside =
        executor_->own_file_system() ? "/builds/group/name" : space_.project_host.native();
    message_.id = JobId(7001);
    message_.name = "conformance";
    message_.image = pipeline::JobImage{};
    message_.image->name = environment("TIDEGATE_TEST_IMAGE", "debian:bookworm-slim");
  }

  void TearDown() override {
    environment_.reset();
    if (executor_) EXPECT_TRUE(executor_->remove_leftovers({message_.id}));
  }

  void prepare() {
    auto made =
        executor_->prepare(message_, space_, [this](std::string_view text) { said_ += text; }, never_);
    ASSERT_TRUE(made) << made.error().message;
    environment_ = std::move(*made);
  }

  // Runs to the end; `on_output` sees everything after it was kept in output_.
  app::ScriptExit run(const std::string& script, const std::map<std::string, std::string>& variables = {},
                      Millis timeout = kLong, const app::OnOutput& on_output = {},
                      const sys::StopFlag* cancel = nullptr) {
    output_.clear();
    if (!environment_) prepare();
    if (!environment_) return {-1, false, false};
    const auto ended = environment_->run(
        script, variables, timeout,
        [&](std::string_view bytes) {
          output_ += bytes;
          if (on_output) on_output(bytes);
        },
        cancel == nullptr ? never_ : *cancel);
    EXPECT_TRUE(ended) << ended.error().message;
    return ended ? *ended : app::ScriptExit{-1, false, false};
  }

  // True when nobody writes to the named pipe any more.
  static bool closed(int reader) {
    char byte = 0;
    return ::read(reader, &byte, 1) == 0;
  }

  std::unique_ptr<app::Executor> executor_;
  std::unique_ptr<app::JobEnvironment> environment_;
  std::optional<sys::TempDirectory> folder_;
  app::JobSpace space_;
  pipeline::JobMessage message_;
  sys::StopFlag never_;
  std::string output_;
  std::string said_;
};

const app::ScriptExit kGood{0, false, false};

TEST_P(ExecutorConformance, BothOutputsComeInTheOrderOfWriting) {
  std::string expected;
  for (int i = 0; i < 500; ++i) expected += "out " + std::to_string(i) + "\nerr " + std::to_string(i) + "\n";
  EXPECT_EQ(run("i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"), kGood);
  EXPECT_EQ(output_, expected);
}

TEST_P(ExecutorConformance, ExitCodesArePassedOn) {
  for (const int code : {0, 1, 42, 255}) EXPECT_EQ(run("exit " + std::to_string(code)).exit_code, code);
  EXPECT_EQ(run("no-such-program-here").exit_code, 127);
}

TEST_P(ExecutorConformance, AProcessEndedByASignalCountsAsShellsSay) {
  EXPECT_EQ(run("sh -c 'kill -9 $$'").exit_code, 137);
}

TEST_P(ExecutorConformance, VariablesArriveByteForByte) {
  const std::map<std::string, std::string> variables{
      {"PLAIN", "value"},         {"EMPTY", ""},
      {"QUOTES", R"(it's "so")"}, {"DOLLAR", "$(touch pwned) `id` ${HOME}"},
      {"LINES", "one\ntwo\n"},    {"KOREAN", "교육 과정"},
      {"BACKSLASH", "a\\nb\\"},   {"EQUALS", "a=b=c"}};
  std::string script;
  std::string expected;
  for (const auto& [key, value] : variables) {
    script += "printf '%s|' \"$" + key + "\"\n";
    expected += value + "|";
  }
  EXPECT_EQ(run(script, variables), kGood);
  EXPECT_EQ(output_, expected);
  EXPECT_FALSE(fs::exists(space_.project_host / "pwned"));
  // The second script's variables are its own, not the first's.
  EXPECT_EQ(run("printf '%s|%s|%s' \"$PLAIN\" \"$LINES\" \"${EMPTY-unset}\"", {{"PLAIN", "it's\nnew"}}),
            kGood);
  EXPECT_EQ(output_, "it's\nnew||unset");
}

TEST_P(ExecutorConformance, ScriptsAreTakenByteForByte) {
  EXPECT_EQ(run("cat <<'END'\n교육 \"과정\" $(no) `no` \\n 'x'\nEND\nprintf '%s\\n' 'it'\\''s'"), kGood);
  EXPECT_EQ(output_, "교육 \"과정\" $(no) `no` \\n 'x'\nit's\n");
}

TEST_P(ExecutorConformance, TheProjectFolderIsTheSameInsideAndOutside) {
  ASSERT_TRUE(sys::write_file(space_.project_host / "given", "from outside"));
  EXPECT_EQ(run("pwd; cat given; printf inside > made"), kGood);
  EXPECT_EQ(output_, space_.project_inside + "\nfrom outside");
  EXPECT_EQ(sys::read_file(space_.project_host / "made").value_or("missing"), "inside");
}

TEST_P(ExecutorConformance, StandardInputIsEmpty) {
  EXPECT_EQ(run("cat; echo end"), kGood);
  EXPECT_EQ(output_, "end\n");
}

TEST_P(ExecutorConformance, TenMegabytesOfOutputAreWhole) {
  constexpr std::size_t kSize = 10U << 20U;
  EXPECT_EQ(run("head -c 10485760 /dev/zero | tr '\\0' a; echo; echo end"), kGood);
  ASSERT_EQ(output_.size(), kSize + 5);
  EXPECT_EQ(output_.find_first_not_of('a'), kSize);
  EXPECT_EQ(output_.substr(kSize), "\nend\n");
}

TEST_P(ExecutorConformance, AnyByteMayBePrinted) {
  std::string script = "printf '";
  std::string expected;
  for (int byte = 0; byte < 256; ++byte) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\%03o", static_cast<unsigned>(byte));
    script += escaped;
    expected.push_back(static_cast<char>(byte));
  }
  EXPECT_EQ(run(script + "'"), kGood);
  EXPECT_EQ(output_, expected);
}

TEST_P(ExecutorConformance, AScriptThatIsQuietCallsForItsOutputToBePassedOn) {
  sys::StopFlag cancel;
  const auto ended = run(
      "printf held; sleep 60", {}, kLong,
      [&](std::string_view bytes) {
        if (bytes.empty() && output_ == "held") cancel.request_stop();
      },
      &cancel);
  EXPECT_TRUE(ended.canceled);
  EXPECT_TRUE(output_.starts_with("held")) << output_;
}

TEST_P(ExecutorConformance, TheTimeoutEndsTheScriptAndLeavesTheNextOneFree) {
  const auto begin = std::chrono::steady_clock::now();
  const auto ended = run("echo begin; sleep 60; echo never", {}, Millis{1500});
  EXPECT_TRUE(ended.timed_out);
  EXPECT_FALSE(ended.canceled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_TRUE(output_.starts_with("begin\n")) << output_;
  EXPECT_EQ(output_.find("never"), std::string::npos) << output_;  // a shell may add "Terminated"
  EXPECT_EQ(run("echo $CI_JOB_STATUS", {{"CI_JOB_STATUS", "failed"}}), kGood);
  EXPECT_EQ(output_, "failed\n");
}

TEST_P(ExecutorConformance, CancelLetsTheScriptCleanUp) {
  sys::StopFlag cancel;
  const auto ended = run(
      "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done", {}, kLong,
      [&](std::string_view bytes) {
        if (bytes.find("ready") != std::string_view::npos) cancel.request_stop();
      },
      &cancel);
  EXPECT_TRUE(ended.canceled);
  EXPECT_FALSE(ended.timed_out);
  EXPECT_NE(output_.find("bye"), std::string::npos) << output_;
  EXPECT_EQ(run("echo after"), kGood);
  EXPECT_EQ(output_, "after\n");
}

TEST_P(ExecutorConformance, AScriptThatIgnoresSigtermIsEndedAllTheSame) {
  sys::StopFlag cancel;
  const auto ended = run(
      "trap '' TERM; echo ready; while :; do sleep 60; done", {}, kLong,
      [&](std::string_view bytes) {
        if (bytes.find("ready") != std::string_view::npos) cancel.request_stop();
      },
      &cancel);
  EXPECT_TRUE(ended.canceled);
}

TEST_P(ExecutorConformance, WhatTheScriptLeavesBehindIsEnded) {
  const fs::path pipe = space_.project_host / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const sys::UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  EXPECT_EQ(run("exec 3>pipe\n"
                "(trap '' TERM HUP; sleep 600) &\n"
                "setsid sh -c 'trap \"\" TERM HUP; sleep 600' &\n"
                "nohup sleep 600 >/dev/null 2>&1 &\n"
                "printf x >&3; echo started"),
            kGood);
  EXPECT_EQ(output_, "started\n");
  char byte = 0;
  ASSERT_EQ(::read(reader.get(), &byte, 1), 1);  // it was really open
  EXPECT_TRUE(closed(reader.get()));
}

TEST_P(ExecutorConformance, AfterAFailureAnotherScriptRunsWithTheSameFiles) {
  EXPECT_EQ(run("echo kept > file; exit 5").exit_code, 5);
  EXPECT_EQ(run("cat file"), kGood);
  EXPECT_EQ(output_, "kept\n");
}

TEST_P(ExecutorConformance, MountsAreThereAndReadOnlyOnesCannotBeWritten) {
  if (!executor_->own_file_system()) GTEST_SKIP() << "this executor shows the machine's own paths";
  const fs::path object = folder_->path() / "an object, with = and : 데이터.jsonl";
  ASSERT_TRUE(sys::write_file(object, "line\n"));
  const std::string inside = "/tidegate/data/training/데이터.jsonl";
  space_.mounts = {{object, inside, true}, {folder_->path() / "scratch", "/scratch here", false}};
  EXPECT_EQ(
      run("cat \"$DATA\"; (echo bad >> \"$DATA\") 2>/dev/null || echo refused; echo w > '/scratch here/w'",
          {{"DATA", inside}}),
      kGood);
  EXPECT_EQ(output_, "line\nrefused\n");
  EXPECT_EQ(sys::read_file(object).value_or(""), "line\n");
  EXPECT_EQ(sys::read_file(space_.scratch / "w").value_or(""), "w\n");
}

TEST_P(ExecutorConformance, GeneratedScriptsRunLikeGitLabs) {
  EXPECT_EQ(
      run(app::make_script({"echo 'it'\"'\"'s'", "X=1", "echo $X", "if true; then", "echo 여러", "fi",
                            "printf 'a\\n\nb'\nprintf '\\n'", "false || true", "[ -f none ] && echo no"})),
      kGood);
  EXPECT_EQ(
      output_,
      "\x1b[32;1m$ echo 'it'\"'\"'s'\x1b[0;m\nit's\n\x1b[32;1m$ X=1\x1b[0;m\n\x1b[32;1m$ echo $X\x1b[0;m\n1\n"
      "\x1b[32;1m$ if true; then\x1b[0;m\n\x1b[32;1m$ echo 여러\x1b[0;m\n여러\n\x1b[32;1m$ fi\x1b[0;m\n"
      "\x1b[32;1m$ printf 'a\\n # collapsed multi-line command\x1b[0;m\na\n\nb\n"
      "\x1b[32;1m$ false || true\x1b[0;m\n\x1b[32;1m$ [ -f none ] && echo no\x1b[0;m\n");
  EXPECT_EQ(run(app::make_script({"(exit 9)", "echo never"})).exit_code, 9);
  EXPECT_EQ(output_.find("\nnever"), std::string::npos);
}

TEST_P(ExecutorConformance, PreparingACanceledJobStops) {
  sys::StopFlag stop;
  stop.request_stop();
  message_.image->name = "registry.invalid/none:1";
  const auto made = executor_->prepare(message_, space_, [](std::string_view) {}, stop);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::kCanceled) << made.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Executors, ExecutorConformance,
    testing::Values(Subject{"Shell",
                            [](const std::string& runner) -> std::unique_ptr<app::Executor> {
                              return std::make_unique<shell::ShellExecutor>(
                                  shell::ShellSettings{.runner = runner, .grace = Millis{1500}});
                            }},
                    Subject{"Docker",
                            [](const std::string& runner) -> std::unique_ptr<app::Executor> {
                              const std::string socket = environment("TIDEGATE_DOCKER_SOCKET", "");
                              if (socket.empty()) return nullptr;
                              docker::DockerSettings settings;
                              settings.socket = socket;
                              settings.runner = runner;
                              settings.grace = Millis{1500};
                              return std::make_unique<docker::DockerExecutor>(settings);
                            }}),
    [](const testing::TestParamInfo<Subject>& info) { return info.param.name; });

}  // namespace
}  // namespace tidegate
