#include "app/runner/run_job.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/runner/archive.h"
#include "app/runner/job_mounts.h"
#include "base/sha256.h"
#include "dataset/readiness.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;

class StoppedClock : public Clock {
 public:
  Instant now() const override { return Instant(Millis{1'750'000'000'000}); }
};

// Keeps what it is given; each call can be told to fail.
class FakeIo : public JobIo {
 public:
  Status append_trace(std::string_view bytes) override {
    if (trace_failures > 0) {
      --trace_failures;
      refused.emplace_back(bytes);
      return fail(Errc::kUnavailable, "disk full");
    }
    trace += bytes;
    accepted.emplace_back(bytes);
    return {};
  }
  Status get_sources(const pipeline::JobMessage&, const fs::path& into) override {
    ++sources;
    if (source_problem) return *source_problem;
    return sys::write_file(into / "train.py", "print()\n");
  }
  Status download_artifacts(const pipeline::JobDependency& dependency, const fs::path& to) override {
    if (!archives.contains(dependency.name)) return fail(Errc::kNotFound, "expired");
    fs::copy_file(archives.at(dependency.name), to);
    return {};
  }
  Status upload_artifacts(const pipeline::JobArtifacts& artifacts, const fs::path& file,
                          const std::string& file_name) override {
    if (upload_problem) return *upload_problem;
    uploads[artifacts.type + ":" + file_name] = sys::read_file(file).value_or("");
    return {};
  }

  Result<std::string> create_release(const pipeline::JobMessage&, const config::Release& release) override {
    releases.push_back(release);
    if (release_problem) return *release_problem;
    return "Release " + release.tag_name + " made";
  }

  std::vector<config::Release> releases;
  std::optional<Error> release_problem;
  std::string trace;
  std::vector<std::string> accepted, refused;
  int trace_failures = 0;
  int sources = 0;
  std::optional<Error> source_problem, upload_problem;
  std::map<std::string, fs::path> archives;
  std::map<std::string, std::string> uploads;
};

// Runs C++ instead of a shell.
class FakeExecutor : public Executor {
 public:
  using Act = std::function<Result<ScriptExit>(const JobSpace&, const std::string& script,
                                               const std::map<std::string, std::string>&, const OnOutput&)>;

  class Environment : public JobEnvironment {
   public:
    Environment(FakeExecutor& owner, JobSpace space) : owner_(owner), space_(std::move(space)) {}
    ~Environment() override { owner_.gone = true; }
    Result<ScriptExit> run(const std::string& script, const std::map<std::string, std::string>& variables,
                           Millis timeout, const OnOutput& on_output, const sys::StopFlag& cancel) override {
      owner_.runs.push_back({script, variables, timeout, cancel.stop_requested()});
      if (owner_.runs.size() <= owner_.acts.size()) {
        return owner_.acts[owner_.runs.size() - 1](space_, script, variables, on_output);
      }
      return ScriptExit{};
    }

   private:
    FakeExecutor& owner_;
    JobSpace space_;
  };

  std::string name() const override { return "fake"; }
  bool own_file_system() const override { return own; }
  Result<std::unique_ptr<JobEnvironment>> prepare(const pipeline::JobMessage& given,
                                                  const JobSpace& given_space, const OnOutput& on_output,
                                                  const sys::StopFlag&) override {
    message = given;
    space = given_space;
    on_output("Using Fake executor\n");
    if (problem) return *problem;
    return std::make_unique<Environment>(*this, space);
  }
  Status remove_leftovers(const std::vector<JobId>&) override { return {}; }

  struct Run {
    std::string script;
    std::map<std::string, std::string> variables;
    Millis timeout;
    bool cancel;
  };
  std::vector<Act> acts;
  std::vector<Run> runs;
  std::optional<Error> problem;
  pipeline::JobMessage message;
  JobSpace space;
  bool own = true;
  bool gone = false;
};

class RunJob : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "run-job-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    settings.work_directory = folder_->path() / "work";
    settings.version = "1.2.3";
    message.id = JobId(7);
    message.name = "test_train";
    message.project_id = 3;
    message.project_path = "group/name";
    message.git.sha = "0123456789abcdef";
    message.git.ref = "main";
    message.token = Secret("job-token-text");
    message.steps = {{.name = "script", .script = {"python train.py"}}};
  }
  JobOutcome run() { return run_job(message, settings, executor, io, StoppedClock(), cancel); }
  bool logged(std::string_view text) const { return io.trace.find(text) != std::string::npos; }
  void after_script() {
    message.steps.push_back({.name = "after_script", .script = {"echo $CI_JOB_STATUS"}, .when = "always"});
  }
  static FakeExecutor::Act exits(int code) {
    return
        [code](const auto&, const auto&, const auto&, const auto&) { return ScriptExit{code, false, false}; };
  }
  static pipeline::JobArtifacts artifacts(const std::string& name, const std::string& path,
                                          const std::string& when = "on_success",
                                          const std::string& type = "archive",
                                          const std::string& format = "zip") {
    pipeline::JobArtifacts made;
    made.name = name;
    made.paths = {path};
    made.when = when;
    made.type = type;
    made.format = format;
    return made;
  }
  void variable(const std::string& key, const std::string& value) {
    message.variables.push_back({.key = key, .value = value});
  }

  std::optional<sys::TempDirectory> folder_;
  pipeline::JobMessage message;
  RunnerSettings settings;
  FakeExecutor executor;
  FakeIo io;
  sys::StopFlag cancel;
};

TEST_F(RunJob, TheLogOfAGoodJobReadsLikeGitLabs) {
  executor.acts = {[](const auto&, const auto&, const auto&, const OnOutput& out) {
    out("half a line");
    return ScriptExit{};
  }};
  const JobOutcome outcome = run();
  EXPECT_TRUE(outcome.success);
  EXPECT_EQ(outcome.failure_reason, "");
  EXPECT_EQ(io.trace,
            "Running with tidegate 1.2.3\n  on tidegate\n"
            "section_start:1750000000:prepare_executor\r\x1b[0K\x1b[0K\x1b[36;1mPreparing the \"fake\" "
            "executor\x1b[0;m\n"
            "Using Fake executor\n"
            "section_end:1750000000:prepare_executor\r\x1b[0K"
            "section_start:1750000000:get_sources\r\x1b[0K\x1b[0K\x1b[36;1mGetting source from Git "
            "repository\x1b[0;m\n"
            "\x1b[32;1mChecked out 01234567 as detached HEAD (ref is main)\x1b[0;m\n"
            "section_end:1750000000:get_sources\r\x1b[0K"
            "section_start:1750000000:step_script\r\x1b[0K\x1b[0K\x1b[36;1mExecuting \"step_script\" stage "
            "of the job "
            "script\x1b[0;m\n"
            "half a line\n"
            "section_end:1750000000:step_script\r\x1b[0K"
            "section_start:1750000000:cleanup_file_variables\r\x1b[0K\x1b[0K\x1b[36;1mCleaning up project "
            "directory and "
            "file based variables\x1b[0;m\n"
            "section_end:1750000000:cleanup_file_variables\r\x1b[0K"
            "\x1b[32;1mJob succeeded\x1b[0;m\n");
  EXPECT_TRUE(executor.gone);
  EXPECT_TRUE(fs::is_empty(settings.work_directory));
}

TEST_F(RunJob, AFailedScriptStillGetsItsAfterScript) {
  after_script();
  executor.acts = {exits(3), exits(0)};
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "script_failure");
  EXPECT_EQ(outcome.exit_code, 3);
  ASSERT_EQ(executor.runs.size(), 2U);
  EXPECT_EQ(executor.runs[0].variables.at("CI_JOB_STATUS"), "running");
  EXPECT_EQ(executor.runs[1].variables.at("CI_JOB_STATUS"), "failed");
  EXPECT_EQ(executor.runs[1].timeout, Millis{300'000});
  EXPECT_TRUE(logged("Running after_script"));
  EXPECT_TRUE(logged("\x1b[31;1mERROR: Job failed: exit code 3\x1b[0;m"));
}

TEST_F(RunJob, AFailedAfterScriptChangesNothing) {
  after_script();
  executor.acts = {exits(0), exits(1)};
  EXPECT_TRUE(run().success);
  EXPECT_EQ(executor.runs[1].variables.at("CI_JOB_STATUS"), "success");
}

TEST_F(RunJob, CancelRunsTheAfterScriptUnhindered) {
  after_script();
  executor.acts = {[this](const auto&, const auto&, const auto&, const auto&) {
    cancel.request_stop();
    return ScriptExit{143, false, true};
  }};
  const JobOutcome outcome = run();
  EXPECT_TRUE(outcome.canceled);
  EXPECT_FALSE(outcome.success);
  ASSERT_EQ(executor.runs.size(), 2U);
  EXPECT_EQ(executor.runs[1].variables.at("CI_JOB_STATUS"), "canceled");
  EXPECT_FALSE(executor.runs[1].cancel);
}

TEST_F(RunJob, ACancelBeforeTheScriptRunsNothing) {
  after_script();
  cancel.request_stop();
  EXPECT_TRUE(run().canceled);
  EXPECT_TRUE(executor.runs.empty());
  EXPECT_TRUE(executor.gone);
}

TEST_F(RunJob, TheTimeoutIsTheJobs) {
  message.timeout = Seconds{90};
  executor.acts = {
      [](const auto&, const auto&, const auto&, const auto&) { return ScriptExit{143, true, false}; }};
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "job_execution_timeout");
  EXPECT_FALSE(outcome.exit_code);
  EXPECT_EQ(executor.runs[0].timeout, Millis{90'000});
}

TEST_F(RunJob, FaultsOfTheSystemAreNotTheScripts) {
  struct Case {
    Errc code;
    std::string reason;
  };
  for (const Case& one :
       {Case{Errc::kNotFound, "image_pull_failure"}, Case{Errc::kFailed, "image_pull_failure"},
        Case{Errc::kUnavailable, "runner_system_failure"}, Case{Errc::kEnvironment, "runner_system_failure"},
        Case{Errc::kInvalid, "runner_configuration_error"}}) {
    executor.problem = Error{one.code, "no luck"};
    EXPECT_EQ(run().failure_reason, one.reason);
  }
  EXPECT_TRUE(logged("ERROR: Preparation failed: no luck"));
  executor.problem.reset();
  io.source_problem = Error{Errc::kUnavailable, "git is down"};
  EXPECT_EQ(run().failure_reason, "runner_system_failure");
  EXPECT_TRUE(logged("git is down"));
}

TEST_F(RunJob, MaskedValuesAreNotInTheLogHoweverTheyAreCut) {
  variable("PASSWORD", "p4ssw0rd-p4ssw0rd");
  message.variables.back().masked = true;
  executor.acts = {[](const auto&, const auto&, const auto&, const OnOutput& out) {
    const std::string text = "it is p4ssw0rd-p4ssw0rd and job-token-text\n";
    for (const char c : text) out(std::string_view(&c, 1));
    return ScriptExit{};
  }};
  run();
  EXPECT_TRUE(logged("it is [MASKED] and [MASKED]\n"));
  EXPECT_FALSE(logged("p4ssw0rd"));
}

TEST_F(RunJob, TheLogHasALimitAndTheOutcomeIsStillInIt) {
  settings.log_limit = 1000;
  executor.acts = {[](const auto&, const auto&, const auto&, const OnOutput& out) {
    for (int i = 0; i < 100; ++i) out(std::string(99, 'x') + "\n");
    return ScriptExit{2, false, false};
  }};
  run();
  EXPECT_LT(io.trace.size(), 3000U);
  EXPECT_TRUE(logged("exceeded its limit of 1000 bytes"));
  EXPECT_TRUE(logged("Job failed: exit code 2"));
}

TEST_F(RunJob, ARefusedPieceOfTheLogIsSentAgainAsItWas) {
  executor.acts = {[this](const auto&, const auto&, const auto&, const OnOutput& out) {
    io.trace_failures = 2;
    out(std::string(100'000, 'a'));
    out(std::string(100'000, '#'));
    return ScriptExit{};
  }};
  EXPECT_TRUE(run().success);
  ASSERT_EQ(io.refused.size(), 2U);
  EXPECT_EQ(io.refused[0], io.refused[1]);
  EXPECT_NE(std::ranges::find(io.accepted, io.refused[0]), io.accepted.end());
  EXPECT_EQ(std::ranges::count(io.trace, '#'), 100'000);
}

TEST_F(RunJob, AJobWhoseLogIsLostIsNotGood) {
  executor.acts = {[this](const auto&, const auto&, const auto&, const OnOutput& out) {
    io.trace_failures = 1'000'000;
    out("lost");
    return ScriptExit{};
  }};
  const JobOutcome outcome = run();
  EXPECT_FALSE(outcome.success);
  EXPECT_EQ(outcome.failure_reason, "runner_system_failure");
  EXPECT_NE(outcome.message.find("disk full"), std::string::npos);
}

TEST_F(RunJob, VariablesAreResolvedAndFilesWritten) {
  variable("IMAGE_TAG", "$CI_PROJECT_DIR-1");
  variable("SSH_KEY", "key text\n");
  message.variables.back().file = true;
  settings.environment = {{"PIP_INDEX_URL", "https://x"}, {"IMAGE_TAG", "weaker"}};
  message.image.emplace().name = "registry/app:$IMAGE_TAG";
  std::string seen;
  executor.acts = {[&](const JobSpace& space, const auto&, const auto&, const auto&) {
    for (const Mount& mount : space.mounts) {
      if (mount.inside == "/builds/group/name.tmp")
        seen = sys::read_file(mount.host / "SSH_KEY").value_or("");
    }
    return ScriptExit{};
  }};
  EXPECT_TRUE(run().success);
  const auto& variables = executor.runs[0].variables;
  EXPECT_EQ(variables.at("CI_PROJECT_DIR"), "/builds/group/name");
  EXPECT_EQ(variables.at("CI_BUILDS_DIR"), "/builds");
  EXPECT_EQ(variables.at("CI_SERVER"), "yes");
  EXPECT_EQ(variables.at("IMAGE_TAG"), "/builds/group/name-1");
  EXPECT_EQ(variables.at("PIP_INDEX_URL"), "https://x");
  EXPECT_EQ(variables.at("SSH_KEY"), "/builds/group/name.tmp/SSH_KEY");
  EXPECT_EQ(seen, "key text\n");
  EXPECT_EQ(executor.message.image->name, "registry/app:/builds/group/name-1");
}

TEST_F(RunJob, GitStrategyNoneGetsNoSources) {
  variable("GIT_STRATEGY", "none");
  EXPECT_TRUE(run().success);
  EXPECT_EQ(io.sources, 0);
  message.variables[0].value = "sometimes";
  EXPECT_EQ(run().failure_reason, "runner_system_failure");
}

TEST_F(RunJob, AProjectPathThatLeadsElsewhereDoesNot) {
  message.project_path = "../../../etc";
  EXPECT_TRUE(run().success);
  EXPECT_EQ(executor.space.project_inside, "/builds/project-3");
}

TEST_F(RunJob, DataIsMountedReadOnlyUnderASafeName) {
  const fs::path object = folder_->path() / "object";
  ASSERT_TRUE(sys::write_file(object, "{}\n"));
  const std::string uri = "s3://team-data/training/-rf $(x) '새 데이터'.jsonl";
  message.data = {{"my-source", uri, object.native(), sha256_hex("{}\n")}};
  EXPECT_TRUE(run().success);
  const auto& variables = executor.runs[0].variables;
  EXPECT_EQ(variables.at("TIDEGATE_DATA_MY_SOURCE"), "/tidegate/data/my-source/_rf___x___새_데이터_.jsonl");
  EXPECT_EQ(variables.at("TIDEGATE_DATA_MY_SOURCE_URI"), uri);
  const auto found = std::ranges::find(executor.space.mounts, object, &Mount::host);
  ASSERT_NE(found, executor.space.mounts.end());
  EXPECT_TRUE(found->read_only);
}

TEST_F(RunJob, DamagedDataStopsTheJobBeforeItStarts) {
  const fs::path object = folder_->path() / "object";
  ASSERT_TRUE(sys::write_file(object, "tampered"));
  message.data = {{"training", "s3://b/k", object.native(), sha256_hex("original")}};
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "runner_system_failure");
  EXPECT_NE(outcome.message.find("s3://b/k"), std::string::npos) << outcome.message;
  EXPECT_TRUE(executor.runs.empty());
}

TEST_F(RunJob, WithoutAFileSystemOfItsOwnTheJobGetsACopy) {
  executor.own = false;
  const fs::path object = folder_->path() / "object";
  ASSERT_TRUE(sys::write_file(object, "{}\n"));
  message.data = {{"training", "s3://b/data.jsonl", object.native(), sha256_hex("{}\n")}};
  settings.client_binary = object;
  settings.job_socket_directory = folder_->path() / "run";
  std::string seen;
  executor.acts = {[&](const auto&, const auto&, const auto& variables, const auto&) {
    seen = sys::read_file(variables.at("TIDEGATE_DATA_TRAINING")).value_or("");
    EXPECT_NE(variables.at("TIDEGATE_DATA_TRAINING"), object.native());
    const std::string path = variables.at("PATH");
    EXPECT_EQ(fs::read_symlink(path.substr(0, path.find(':')) + "/tidegate"), object);
    return ScriptExit{};
  }};
  EXPECT_TRUE(run().success);
  EXPECT_EQ(seen, "{}\n");
  EXPECT_EQ(executor.runs[0].variables.at("TIDEGATE_JOB_SOCKET"),
            (folder_->path() / "run/job.sock").native());
}

// A set in the folder as the server keeps it: its listing and its files by their hashes.
pipeline::JobData put_set(const fs::path& folder, const std::map<std::string, std::string>& files) {
  std::vector<dataset::SetFile> listed;
  for (const auto& [name, text] : files) {
    EXPECT_TRUE(sys::write_file(folder / sha256_hex(text), text));
    listed.push_back({name, text.size(), sha256_hex(text)});
  }
  const std::string listing = dataset::set_listing(listed);
  EXPECT_TRUE(sys::write_file(folder / sha256_hex(listing), listing));
  return {"training", "s3://b/may/set.manifest.json?versionId=v1", (folder / sha256_hex(listing)).native(),
          sha256_hex(listing), true};
}

TEST_F(RunJob, ASetIsAFolder) {
  const std::map<std::string, std::string> files = {{"a b", "1"}, {"deep/한", "2"}, {"same", "1"}};
  message.data = {put_set(folder_->path(), files)};
  for (const bool own : {true, false}) {
    executor.own = own;
    executor.runs.clear();
    executor.acts = {[&](const auto&, const auto&, const auto& variables, const auto&) {
      fs::path seen = variables.at("TIDEGATE_DATA_TRAINING");
      if (own) {
        EXPECT_EQ(seen, "/tidegate/data/training/set.manifest.json");
        const auto mount = std::ranges::find(executor.space.mounts, seen.native(), &Mount::inside);
        EXPECT_TRUE(mount != executor.space.mounts.end() && mount->read_only);
        if (mount != executor.space.mounts.end()) seen = mount->host;
      }
      for (const auto& [name, text] : files) {
        EXPECT_EQ(sys::read_file(seen / name).value_or("missing"), text) << name;
        const bool shared = fs::equivalent(seen / name, folder_->path() / sha256_hex(text));
        EXPECT_EQ(shared, own) << "who can write there gets files of his own";
      }
      return ScriptExit{};
    }};
    EXPECT_TRUE(run().success);
  }
}

TEST_F(RunJob, ADamagedMemberStopsTheJobBeforeItStarts) {
  message.data = {put_set(folder_->path(), {{"a", "1"}, {"b", "2"}})};
  ASSERT_TRUE(sys::write_file(folder_->path() / sha256_hex("2"), "tampered"));
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "runner_system_failure");
  EXPECT_NE(outcome.message.find(", b is damaged"), std::string::npos) << outcome.message;
  EXPECT_TRUE(executor.runs.empty());
}

TEST_F(RunJob, TheClientAndItsSocketAreMounted) {
  settings.client_binary = folder_->path() / "tidegate-client";
  settings.job_socket_directory = folder_->path() / "run";
  EXPECT_TRUE(run().success);
  EXPECT_EQ(executor.runs[0].variables.at("TIDEGATE_JOB_SOCKET"), "/run/tidegate/job.sock");
  const auto found = std::ranges::find(executor.space.mounts, "/usr/local/bin/tidegate", &Mount::inside);
  ASSERT_NE(found, executor.space.mounts.end());
  EXPECT_TRUE(found->read_only);
}

TEST_F(RunJob, ArtifactsGoFromJobToJob) {
  message.artifacts = {artifacts("out", "build/"),
                       artifacts("junit.xml", "report.xml", "always", "junit", "gzip"),
                       artifacts("logs", "*.log", "on_failure")};
  executor.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    fs::create_directories(space.project_host / "build");
    EXPECT_TRUE(sys::write_file(space.project_host / "build/model.bin", "model"));
    EXPECT_TRUE(sys::write_file(space.project_host / "report.xml", "<x/>"));
    return ScriptExit{};
  }};
  ASSERT_TRUE(run().success);
  ASSERT_EQ(io.uploads.size(), 2U);
  EXPECT_TRUE(io.uploads.contains("junit:junit.xml.gz"));
  EXPECT_TRUE(logged("Uploading artifacts for successful job"));
  const fs::path archive = folder_->path() / "out.zip";
  ASSERT_TRUE(sys::write_file(archive, io.uploads.at("archive:out.zip")));

  FakeExecutor next;
  next.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    EXPECT_EQ(sys::read_file(space.project_host / "build/model.bin").value_or(""), "model");
    return ScriptExit{};
  }};
  io.archives["build"] = archive;
  message.artifacts.clear();
  message.dependencies = {{JobId(6), "build", "", true}, {JobId(5), "other", "", false}};
  EXPECT_TRUE(run_job(message, settings, next, io, StoppedClock(), cancel).success);
  EXPECT_EQ(next.runs.size(), 1U);
}

TEST_F(RunJob, ArtifactsThatAreGoneStopTheJob) {
  message.dependencies = {{JobId(6), "build", "", true}};
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "runner_system_failure");
  EXPECT_NE(outcome.message.find("build"), std::string::npos);
  EXPECT_TRUE(executor.runs.empty());
}

TEST_F(RunJob, MissingArtifactsAreAWarningAndAFailedUploadIsAFailure) {
  message.artifacts = {artifacts("", "none/*")};
  EXPECT_TRUE(run().success);
  EXPECT_TRUE(logged("WARNING: none/*: no matching files"));
  message.artifacts = {artifacts("", "train.py")};
  io.upload_problem = Error{Errc::kUnavailable, "server is down"};
  const JobOutcome outcome = run();
  EXPECT_FALSE(outcome.success);
  EXPECT_EQ(outcome.failure_reason, "runner_system_failure");
  EXPECT_NE(outcome.message.find("server is down"), std::string::npos);
}

TEST_F(RunJob, ACacheIsThereForTheNextJobWithItsKey) {
  pipeline::JobCache& cache = message.cache.emplace_back();
  cache.key = "pip/$CI_X ../..";
  cache.paths = {".cache/"};
  executor.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    fs::create_directories(space.project_host / ".cache");
    return ScriptExit{sys::write_file(space.project_host / ".cache/wheel", "w") ? 0 : 1, false, false};
  }};
  ASSERT_TRUE(run().success);
  FakeExecutor next;
  next.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    return ScriptExit{fs::exists(space.project_host / ".cache/wheel") ? 0 : 1, false, false};
  }};
  EXPECT_TRUE(run_job(message, settings, next, io, StoppedClock(), cancel).success);
  message.project_id = 4;  // another project does not see it
  FakeExecutor other;
  other.acts = next.acts;
  EXPECT_FALSE(run_job(message, settings, other, io, StoppedClock(), cancel).success);
}

TEST_F(RunJob, ACacheIsTakenFromAFallbackKey) {
  pipeline::JobCache& cache = message.cache.emplace_back();
  cache.key = "main";
  cache.paths = {"wheel"};
  executor.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    return ScriptExit{sys::write_file(space.project_host / "wheel", "w") ? 0 : 1, false, false};
  }};
  ASSERT_TRUE(run().success);
  const auto finds = [&](const std::string& fallback, const std::string& variable,
                         const std::string& policy) {
    message.cache[0].key = "branch";
    message.cache[0].policy = policy;
    message.cache[0].fallback_keys.clear();
    if (!fallback.empty()) message.cache[0].fallback_keys = {"none", fallback};
    auto with = message;
    with.variables.push_back({.key = "CI_CACHE_FALLBACK_KEY", .value = variable});
    FakeExecutor next;
    next.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
      return ScriptExit{fs::exists(space.project_host / "wheel") ? 0 : 1, false, false};
    }};
    return run_job(with, settings, next, io, StoppedClock(), cancel).success;
  };
  EXPECT_FALSE(finds("", "", "pull"));
  EXPECT_TRUE(finds("main", "", "pull"));
  EXPECT_TRUE(finds("", "main", "pull"));
  EXPECT_FALSE(finds("", "main", "push"));
  EXPECT_FALSE(finds("", "main", "odd"));
  EXPECT_TRUE(logged("its policy is \"odd\""));
}

TEST_F(RunJob, ACacheThatCannotBeReadGoes) {
  pipeline::JobCache& cache = message.cache.emplace_back();
  cache.key = "k";
  cache.paths = {"train.py"};
  cache.policy = "pull";
  fs::path file = settings.work_directory / "cache" / "project-3" / (sha256_hex("k") + ".tar.zst");
  fs::create_directories(file.parent_path());
  ASSERT_TRUE(sys::write_file(file, "half an archive"));
  EXPECT_TRUE(run().success);
  EXPECT_TRUE(logged("cannot be used"));
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(RunJob, AHookRunsBeforeTheSourcesAndLeavesNothing) {
  message.hooks = {{"pre_get_sources_script", {"echo hook"}}};
  executor.acts = {[](const JobSpace& space, const std::string& script, const auto&, const auto&) {
                     EXPECT_NE(script.find("echo hook"), std::string::npos);
                     EXPECT_FALSE(fs::exists(space.project_host / "train.py"));
                     return ScriptExit{sys::write_file(space.project_host / "left", "x") ? 0 : 1, false,
                                       false};
                   },
                   [](const JobSpace& space, const auto&, const auto&, const auto&) {
                     return ScriptExit{fs::exists(space.project_host / "left") ? 1 : 0, false, false};
                   }};
  EXPECT_TRUE(run().success);
  executor.runs.clear();
  executor.acts = {
      [](const auto&, const auto&, const auto&, const auto&) { return ScriptExit{3, false, false}; }};
  io.sources = 0;
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "script_failure");
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_EQ(io.sources, 0);
}

TEST_F(RunJob, SecretsAreMaskedVariables) {
  settings.secrets_directory = folder_->path() / "secrets";
  ASSERT_TRUE(sys::make_directories(settings.secrets_directory));
  ASSERT_TRUE(sys::write_file(settings.secrets_directory / "DB", "s3cret-value\n"));
  message.secrets = {{"DB", "vault", false}};
  executor.acts = {[](const auto&, const auto&, const auto& variables, const OnOutput& print) {
    print("it is " + variables.at("DB") + "\n");
    return ScriptExit{};
  }};
  EXPECT_TRUE(run().success);
  EXPECT_FALSE(logged("s3cret"));
  EXPECT_TRUE(logged("it is "));
  message.secrets = {{"NONE", "vault", false}};
  const JobOutcome outcome = run();
  EXPECT_EQ(outcome.failure_reason, "runner_configuration_error");
  EXPECT_TRUE(logged("NONE"));
}

TEST_F(RunJob, AReleaseIsMadeWhenTheScriptHasPassed) {
  message.variables.push_back({.key = "V", .value = "1.2"});
  auto& release = message.release.emplace();
  release.tag_name = "v$V";
  release.description = "notes.md";
  executor.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    return ScriptExit{sys::write_file(space.project_host / "notes.md", "what is new") ? 0 : 1, false, false};
  }};
  ASSERT_TRUE(run().success);
  ASSERT_EQ(io.releases.size(), 1U);
  EXPECT_EQ(io.releases[0].tag_name + "|" + io.releases[0].name, "v1.2|v1.2");
  EXPECT_EQ(io.releases[0].description, "what is new");
  EXPECT_TRUE(logged("Release v1.2 made"));
}

TEST_F(RunJob, AReleaseThatCannotBeMadeFailsTheJob) {
  auto& release = message.release.emplace();
  release.description = "../../outside";
  for (const char* tag : {"", "$EMPTY", "a b", "..", "/x", "-x", "x.lock", "a..b", "a@{b"}) {
    release.tag_name = tag;
    EXPECT_EQ(run().failure_reason, "script_failure") << tag;
  }
  EXPECT_TRUE(io.releases.empty());
  release.tag_name = "v1";
  io.release_problem = Error{Errc::kConflict, "there is one"};
  EXPECT_EQ(run().exit_code, 1);
  EXPECT_EQ(io.releases.at(0).description, "../../outside");
  executor.runs.clear();
  io.releases.clear();
  executor.acts = {
      [](const auto&, const auto&, const auto&, const auto&) { return ScriptExit{1, false, false}; }};
  EXPECT_FALSE(run().success);
  EXPECT_TRUE(io.releases.empty());
}

TEST_F(RunJob, WhatAKilledRunnerLeftIsRemovedFirst) {
  const fs::path left = settings.work_directory / "job-7/builds/group/name";
  fs::create_directories(left);
  ASSERT_TRUE(sys::write_file(left / "old", "old"));
  executor.acts = {[](const JobSpace& space, const auto&, const auto&, const auto&) {
    return ScriptExit{fs::exists(space.project_host / "old") ? 1 : 0, false, false};
  }};
  EXPECT_TRUE(run().success);
}

TEST(SafeFileName, NeedsNoQuoting) {
  EXPECT_EQ(safe_file_name("s3://b/a/b.jsonl"), "b.jsonl");
  EXPECT_EQ(safe_file_name("s3://b/a/"), "a");
  EXPECT_EQ(safe_file_name(""), "object");
  EXPECT_EQ(safe_file_name("a/.."), "_.");
  EXPECT_EQ(safe_file_name("a/-rf\n;x"), "_rf__x");
  EXPECT_EQ(safe_file_name("a/\xff\xfe"), "__");
  EXPECT_LE(safe_file_name(std::string(1000, 'x') + ".jsonl").size(), 200U);
}

}  // namespace
}  // namespace tidegate::app
