#include "app/local/run_pipeline.h"

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "app/local/local_view.h"
#include "config/load.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

namespace fs = std::filesystem;
using pipeline::JobStatus;
using Names = std::vector<std::string>;

class StoppedClock : public Clock {
 public:
  Instant now() const override { return Instant(Millis{1'750'000'000'000}); }
};

// Runs a function in the place of each job's script.
class FakeExecutor : public Executor {
 public:
  using Act = std::function<int(const fs::path& project, const std::map<std::string, std::string>&,
                                const OnOutput&, const sys::StopFlag&)>;
  explicit FakeExecutor(std::string name = "shell") : name_(std::move(name)) {}

  class Environment : public JobEnvironment {
   public:
    Environment(FakeExecutor& owner, fs::path project) : owner_(owner), project_(std::move(project)) {}
    Result<ScriptExit> run(const std::string&, const std::map<std::string, std::string>& variables, Millis,
                           const OnOutput& on_output, const sys::StopFlag& cancel) override {
      const std::string job = variables.at("CI_JOB_NAME");
      Act act;
      {
        const std::lock_guard lock(owner_.mutex_);
        owner_.ran.push_back(job);
        if (owner_.acts.contains(job)) act = owner_.acts.at(job);
      }
      const int code = act ? act(project_, variables, on_output, cancel) : 0;
      return ScriptExit{code, false, cancel.stop_requested()};
    }

   private:
    FakeExecutor& owner_;
    fs::path project_;
  };

  std::string name() const override { return name_; }
  Result<std::unique_ptr<JobEnvironment>> prepare(const pipeline::JobMessage&, const JobSpace& space,
                                                  const OnOutput&, const sys::StopFlag&) override {
    return std::make_unique<Environment>(*this, space.project_host);
  }
  Status remove_leftovers(const std::vector<JobId>&) override { return {}; }

  std::map<std::string, Act> acts;
  std::vector<std::string> ran;

 private:
  std::string name_;
  std::mutex mutex_;
};

class RunPipeline : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::TempDirectory::make(fs::temp_directory_path(), "run-");
    ASSERT_TRUE(made);
    folder_.emplace(std::move(*made));
    const fs::path root = folder_->path() / "project";
    fs::create_directories(root);
    ASSERT_TRUE(sys::write_file(root / "train.py", "print()\n"));
    copy_ = open_working_copy(root).value();
    settings_.work_directory = folder_->path() / "work";
    settings_.shell = &shell_;
  }

  pipeline::Plan plan(const std::string& yaml) const {
    const config::Loaded loaded = config::load(yaml, ".gitlab-ci.yml", sources_of(copy_));
    if (!loaded.definition) {
      ADD_FAILURE() << loaded.diagnostics.front().message;
      return {};
    }
    return pipeline::compile(*loaded.definition, context_of(copy_));
  }

  LocalResult run(const std::string& yaml) {
    settings_.context = context_of(copy_);
    settings_.sources = sources_of(copy_);
    const auto result = run_pipeline(plan(yaml), copy_, settings_, view_, clock_, cancel_);
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(LocalResult{});
  }
  /// The jobs that ran, in the order in which they began.
  std::vector<std::string> ran(const std::string& yaml, const JobChoice& choice) {
    shell_.ran.clear();
    settings_.choice = choice;
    EXPECT_TRUE(run(yaml).good());
    return shell_.ran;
  }
  Error refused(const std::string& yaml) {
    const auto result = run_pipeline(plan(yaml), copy_, settings_, view_, clock_, cancel_);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }
  static JobStatus status(const LocalResult& result, const std::string& name) {
    for (const LocalJob& job : result.jobs) {
      if (job.name == name) return job.status;
    }
    ADD_FAILURE() << "no job " << name;
    return JobStatus::kCreated;
  }
  static FakeExecutor::Act exits(int code) {
    return [code](const auto&, const auto&, const auto&, const auto&) { return code; };
  }

  /// Signs by naming the audience.
  class FakeIssuer : public IdTokenIssuer {
   public:
    Result<std::string> issue(const IdTokenClaims& claims) override {
      return "token for " + claims.audiences.at(0);
    }
    Result<std::string> keys() override { return std::string(); }
  };

  FakeIssuer issuer_;
  std::optional<sys::TempDirectory> folder_;
  WorkingCopy copy_;
  FakeExecutor shell_;
  LocalSettings settings_;
  std::string seen_;
  LocalView view_{{}, [this](std::string_view text) { seen_ += text; }};
  StoppedClock clock_;
  sys::StopFlag cancel_;
};

TEST_F(RunPipeline, StagesFollowOneAnotherAndArtifactsGoAlong) {
  shell_.acts["build"] = [](const fs::path& project, const auto&, const OnOutput& out, const auto&) {
    EXPECT_TRUE(fs::exists(project / "train.py"));
    EXPECT_TRUE(sys::write_file(project / "model.bin", "model"));
    EXPECT_TRUE(sys::write_file(project / "vars.env", "VERSION=1.2\n"));
    out("\x1b[32;1m$ make\x1b[0;m\nbuilt\n");
    return 0;
  };
  shell_.acts["test"] = [](const fs::path& project, const auto& variables, const auto&, const auto&) {
    EXPECT_EQ(sys::read_file(project / "model.bin").value_or(""), "model");
    EXPECT_EQ(variables.at("VERSION"), "1.2");
    return 0;
  };
  const LocalResult result = run(
      "stages: [build, test]\n"
      "build: {stage: build, script: make, artifacts: {paths: [model.bin], reports: {dotenv: vars.env}}}\n"
      "test: {stage: test, script: make test}\n");
  EXPECT_TRUE(result.good());
  EXPECT_EQ(result.status, JobStatus::kSuccess);
  EXPECT_EQ(shell_.ran, (std::vector<std::string>{"build", "test"}));
  EXPECT_TRUE(seen_.starts_with("== stage build\nbuild | started (shell)\nbuild | $ make\nbuild | built\n"))
      << seen_;
  EXPECT_NE(seen_.find("== stage test\n"), std::string::npos);
}

TEST_F(RunPipeline, AFailureSkipsWhatComesAfter) {
  shell_.acts["build"] = exits(7);
  const LocalResult result =
      run("stages: [build, test]\nbuild: {stage: build, script: x}\ntest: {stage: test, script: x}\n"
          "clean: {stage: test, script: x, when: always}\n");
  EXPECT_FALSE(result.good());
  EXPECT_EQ(status(result, "build"), JobStatus::kFailed);
  EXPECT_EQ(status(result, "test"), JobStatus::kSkipped);
  EXPECT_EQ(status(result, "clean"), JobStatus::kSuccess);
  EXPECT_EQ(result.jobs[0].exit_code, 7);
  view_.summary(result);
  EXPECT_NE(seen_.find("failed: exit code 7"), std::string::npos) << seen_;
}

TEST_F(RunPipeline, AnAllowedFailureIsNone) {
  shell_.acts["a"] = exits(1);
  EXPECT_TRUE(run("a: {script: x, allow_failure: true}\nb: {script: x}\n").good());
}

TEST_F(RunPipeline, RetriesAreNewAttempts) {
  int failures = 2;
  shell_.acts["flaky"] = [&](const auto&, const auto&, const auto&, const auto&) {
    return failures-- > 0 ? 1 : 0;
  };
  const LocalResult result = run("flaky: {script: x, retry: 2}\n");
  EXPECT_TRUE(result.good());
  EXPECT_EQ(result.jobs[0].attempts, 3);
  EXPECT_EQ(shell_.ran.size(), 3U);
}

TEST_F(RunPipeline, IndependentJobsRunAtTheSameTime) {
  settings_.parallel = 2;
  std::mutex mutex;
  std::condition_variable both;
  int here = 0;
  const auto meet = [&](const auto&, const auto&, const auto&, const auto&) {
    std::unique_lock lock(mutex);
    ++here;
    both.notify_all();
    return both.wait_for(lock, std::chrono::seconds(20), [&] { return here == 2; }) ? 0 : 1;
  };
  shell_.acts["a"] = meet;
  shell_.acts["b"] = meet;
  EXPECT_TRUE(run("a: {script: x}\nb: {script: x}\n").good());
}

TEST_F(RunPipeline, ManualJobsRunOnlyWhenAskedFor) {
  const std::string yaml =
      "stages: [build, deploy]\nbuild: {stage: build, script: x}\nother: {stage: build, script: x, when: "
      "manual}\n"
      "deploy: {stage: deploy, script: x, when: manual}\n";
  EXPECT_TRUE(run(yaml).good());
  EXPECT_EQ(shell_.ran, (Names{"build"}));
  EXPECT_NE(seen_.find("deploy is manual"), std::string::npos);
  EXPECT_EQ(ran(yaml, {.jobs = {"deploy"}}), (Names{"deploy"}));
  EXPECT_EQ(ran(yaml, {.jobs = {"deploy"}, .with_needs = true}), (Names{"build", "deploy"}));
  EXPECT_EQ(ran(yaml, {.jobs = {}, .manual = {"deploy"}}), (Names{"build", "deploy"}));
  settings_.choice = {.jobs = {}, .manual = {"build"}};
  EXPECT_EQ(refused(yaml).code, Errc::kInvalid);
}

TEST_F(RunPipeline, AManualJobThatANamedOneNeedsIsStarted) {
  EXPECT_EQ(ran("approve: {script: x, when: manual}\nship: {script: x, needs: [approve]}\n",
                {.jobs = {"ship"}, .with_needs = true}),
            (Names{"approve", "ship"}));
}

TEST_F(RunPipeline, AJobForFailuresRunsWhenItIsNamed) {
  EXPECT_EQ(ran("build: {script: x}\nmend: {script: x, when: on_failure}\n", {.jobs = {"mend"}}),
            (Names{"mend"}));
}

TEST_F(RunPipeline, AResourceGroupHasOneJobAtATime) {
  settings_.parallel = 3;
  std::atomic<int> inside = 0;
  std::atomic<bool> met = false;
  for (const char* name : {"deploy 1/3", "deploy 2/3", "deploy 3/3"}) {
    shell_.acts[name] = [&](const auto&, const auto&, const auto&, const auto&) {
      if (++inside > 1) met = true;
      for (int i = 0; i < 10'000 && !met; ++i) std::this_thread::yield();
      --inside;
      return 0;
    };
  }
  const LocalResult result = run("deploy: {parallel: 3, resource_group: live, script: x}\n");
  EXPECT_EQ(result.status, JobStatus::kSuccess);
  EXPECT_EQ(shell_.ran.size(), 3U);
  EXPECT_FALSE(met);
}

TEST_F(RunPipeline, TheFirstFailureMayEndThePipeline) {
  settings_.parallel = 1;
  shell_.acts["a"] = exits(1);
  const LocalResult result =
      run("workflow: {auto_cancel: {on_job_failure: all}}\na: {script: x}\nb: {script: x}\n");
  EXPECT_EQ(result.status, JobStatus::kFailed);
  EXPECT_EQ(status(result, "b"), JobStatus::kCanceled);
}

TEST(ChooseJobs, TheNameOfAParallelJobMeansAllItsParts) {
  pipeline::Plan plan;
  plan.stages = {"test"};
  for (const auto& [name, written] : std::vector<std::pair<std::string, std::string>>{
           {"test 1/2", "test"}, {"test 2/2", "test"}, {"test it 1/2", "test it"}, {"test: a", "test: a"}}) {
    plan.jobs.emplace_back();
    plan.jobs.back().name = name;
    plan.jobs.back().written = written;
    plan.jobs.back().stage = "test";
    plan.jobs.back().created = true;
  }
  const auto chosen = choose_jobs(plan, {.jobs = {"test"}});
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->jobs, (std::set<std::string>{"test 1/2", "test 2/2"}));
  EXPECT_EQ(choose_jobs(plan, {.jobs = {"tset"}}).error().code, Errc::kNotFound);
  plan.jobs.front().created = false;  // its rules left it out
  EXPECT_EQ(choose_jobs(plan, {.jobs = {"test"}})->jobs, (std::set<std::string>{"test 2/2"}));
}

TEST_F(RunPipeline, ABlockingManualJobEndsTheRunWithoutFailure) {
  const LocalResult result =
      run("stages: [a, b]\nask: {stage: a, script: x, when: manual, allow_failure: false}\nafter: {stage: b, "
          "script: x}\n");
  EXPECT_EQ(result.status, JobStatus::kManual);
  EXPECT_TRUE(result.good());
  EXPECT_TRUE(shell_.ran.empty());
}

TEST_F(RunPipeline, DelayedJobsStartAtOnce) {
  EXPECT_TRUE(run("later: {script: x, when: delayed, start_in: 1 hour}\n").good());
  EXPECT_EQ(shell_.ran, (std::vector<std::string>{"later"}));
  EXPECT_NE(seen_.find("here it starts at once"), std::string::npos);
}

TEST_F(RunPipeline, NamedJobsRunAloneOrWithWhatTheyNeed) {
  const std::string yaml =
      "stages: [build, test, deploy]\na: {stage: build, script: x, artifacts: {paths: [train.py]}}\n"
      "b: {stage: build, script: x}\nt: {stage: test, needs: [a], script: x}\n"
      "deploy: {stage: deploy, needs: [t], script: x}\n";
  EXPECT_EQ(ran(yaml, {.jobs = {"deploy"}, .with_needs = true}), (Names{"a", "t", "deploy"}));
  EXPECT_EQ(ran(yaml, {.jobs = {"t"}}), (Names{"t"}));
  EXPECT_EQ(ran(yaml, {.jobs = {"deploy", "a"}}).size(), 2U);
  settings_.parallel = 1;
  EXPECT_EQ(ran(yaml, {.jobs = {"t", "a"}}),
            (Names{"a", "t"}));  // what needs what holds among the named ones
}

TEST_F(RunPipeline, NamesThatAreNoJobsAreRefusedBeforeAnythingRuns) {
  settings_.choice.jobs = {"biuld"};
  const std::string yaml = "build: {script: x}\nnever: {script: x, rules: [{if: $NO}]}\n";
  EXPECT_EQ(refused(yaml).code, Errc::kNotFound);
  EXPECT_NE(refused(yaml).message.find("\"build\""), std::string::npos);
  settings_.choice.jobs = {"never"};
  EXPECT_EQ(refused(yaml).code, Errc::kInvalid);
  EXPECT_TRUE(shell_.ran.empty());
}

TEST_F(RunPipeline, CancelStopsRunningJobsAndStartsNoMore) {
  settings_.parallel = 1;
  shell_.acts["a"] = [this](const auto&, const auto&, const auto&, const sys::StopFlag& stop) {
    cancel_.request_stop();
    while (!stop.stop_requested()) std::this_thread::yield();
    return 143;
  };
  const LocalResult result = run("a: {script: x}\nb: {script: x}\n");
  EXPECT_FALSE(result.good());
  EXPECT_EQ(status(result, "a"), JobStatus::kCanceled);
  EXPECT_EQ(status(result, "b"), JobStatus::kCanceled);
  EXPECT_EQ(shell_.ran, (std::vector<std::string>{"a"}));
}

TEST_F(RunPipeline, TheExecutorFitsTheJob) {
  const std::string yaml = "plain: {script: x}\nboxed: {script: x, image: \"python:3.11\"}\n";
  settings_.no_docker = "no Docker Engine: install one";
  LocalResult result = run(yaml);
  EXPECT_EQ(result.jobs[1].executor, "shell");
  EXPECT_TRUE(seen_.starts_with("-- no Docker Engine: install one. So the job with an image")) << seen_;
  FakeExecutor docker("docker");
  settings_.docker = &docker;
  result = run(yaml);
  EXPECT_EQ(result.jobs[0].executor, "shell");
  EXPECT_EQ(result.jobs[1].executor, "docker");
  settings_.policy = ExecutorPolicy::kDocker;
  EXPECT_EQ(run(yaml).jobs[0].executor, "docker");
  settings_.docker = nullptr;
  EXPECT_EQ(refused(yaml).code, Errc::kEnvironment);
  EXPECT_NE(refused(yaml).message.find("install one"), std::string::npos);
  settings_.policy = ExecutorPolicy::kAuto;
  settings_.docker = &docker;
  EXPECT_EQ(run("a: {script: x, services: [redis]}\n").jobs[0].executor, "docker");
}

TEST_F(RunPipeline, FindsCoverageSignsTokensAndSaysWhatWouldBeReleased) {
  settings_.id_tokens = &issuer_;
  shell_.acts["t"] = [](const auto&, const auto& variables, const OnOutput& print, const auto&) {
    print("TOTAL 10%\nTOTAL 87.5% of it\n");
    return variables.at("TOKEN") == "token for https://x" ? 0 : 1;
  };
  const auto result = run(R"(
t:
  script: x
  coverage: '/TOTAL.*?(\d+\.?\d*)%/'
  id_tokens: {TOKEN: {aud: https://x}}
  release: {tag_name: v1, description: the first}
)");
  EXPECT_TRUE(result.good());
  EXPECT_EQ(result.jobs.at(0).coverage, 87.5);
  EXPECT_NE(seen_.find("would now make the release v1"), std::string::npos) << seen_;
  EXPECT_NE(seen_.find("nobody trusts"), std::string::npos);
}

// --- child pipelines

class RunChildren : public RunPipeline {
 protected:
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((copy_.root / path).parent_path());
    EXPECT_TRUE(sys::write_file(copy_.root / path, text));
    copy_ = open_working_copy(copy_.root).value();
  }
  /// "name=status" of all jobs, by path.
  static std::string statuses(const LocalResult& result) {
    std::string out;
    for (const LocalJob& job : result.jobs)
      out += (out.empty() ? "" : ", ") + job.path() + "=" + std::string(pipeline::to_string(job.status));
    return out;
  }
  /// Notes a variable of the job that runs.
  FakeExecutor::Act notes(const std::string& key) {
    return [this, key](const auto&, const std::map<std::string, std::string>& variables, const auto&,
                       const auto&) {
      const auto found = variables.find(key);
      noted_ = found == variables.end() ? "(none)" : found->second;
      return 0;
    };
  }
  std::string noted_;
};

TEST_F(RunChildren, AChildRunsWithinItsTriggerJob) {
  file("ci/child.yml", "build: {stage: build, script: x}\ntest: {script: x}\n");
  const LocalResult result = run(R"(
stages: [test, deploy]
ship: {trigger: {include: ci/child.yml, strategy: depend}}
after: {stage: deploy, script: x}
)");
  EXPECT_EQ(statuses(result), "ship=success, after=success, ship > build=success, ship > test=success");
  EXPECT_EQ(shell_.ran, (Names{"build", "test", "after"}));
  EXPECT_TRUE(result.good());
  EXPECT_NE(seen_.find("ship > build"), std::string::npos) << seen_;
}

TEST_F(RunChildren, StrategyDecidesWhetherAFailureCounts) {
  file("c.yml", "bad: {script: x}\n");
  shell_.acts["bad"] = exits(1);
  EXPECT_EQ(statuses(run("ship: {trigger: {include: c.yml, strategy: depend}}")),
            "ship=failed, ship > bad=failed");
  EXPECT_EQ(statuses(run("ship: {trigger: {include: c.yml}}")), "ship=success, ship > bad=failed");
  EXPECT_EQ(statuses(run("ship: {allow_failure: true, trigger: {include: c.yml, strategy: mirror}}")),
            "ship=failed, ship > bad=failed");
}

TEST_F(RunChildren, VariablesGoDownAsPipelineVariables) {
  file("c.yml",
       "variables: {A: of the child}\n"
       "see: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == 'parent_pipeline'}]}\n");
  shell_.acts["see"] = notes("A");
  run("variables: {A: of the parent}\nship: {trigger: {include: c.yml}}");
  EXPECT_EQ(noted_, "of the parent");
  run("variables: {A: global}\nship: {trigger: {include: c.yml}, variables: {A: of the job "
      "$CI_PIPELINE_ID}}");
  EXPECT_EQ(noted_, "of the job 1");
  run("variables: {A: x}\nship: {trigger: {include: c.yml, forward: {yaml_variables: false}}}");
  EXPECT_EQ(noted_, "of the child");
}

TEST_F(RunChildren, TheChildsWorkflowAndRulesDecide) {
  file("none.yml", "j: {script: x, rules: [{if: $NONE}]}\n");
  file("filtered.yml", "workflow: {rules: [{if: $NONE}]}\nj: {script: x}\n");
  file("broken.yml", "j: {scripts: x}\n");
  for (const std::string child : {"none.yml", "filtered.yml", "broken.yml", "absent.yml"}) {
    const LocalResult result = run("ship: {trigger: {include: " + child + "}}");
    EXPECT_EQ(statuses(result), "ship=failed") << child;
    EXPECT_EQ(result.jobs.at(0).failure_reason, "downstream_pipeline_creation_failed");
    EXPECT_FALSE(result.jobs.at(0).message.empty());
  }
  EXPECT_NE(seen_.find("absent.yml"), std::string::npos);
}

TEST_F(RunChildren, SeveralFilesAreOnePipeline) {
  file("a.yml", "a: {script: x}\nboth: {script: old}\n");
  file("b.yml", "both: {script: new}\n");
  EXPECT_EQ(statuses(run("ship: {trigger: {include: [a.yml, {local: b.yml}]}}")),
            "ship=success, ship > a=success, ship > both=success");
}

TEST_F(RunChildren, TwoLevelsAndNoMore) {
  file("c.yml", "down: {trigger: {include: c.yml, strategy: depend}}\n");
  const LocalResult result = run("down: {trigger: {include: c.yml, strategy: depend}}");
  EXPECT_EQ(statuses(result), "down=failed, down > down=failed, down > down > down=failed");
  EXPECT_EQ(result.jobs.back().failure_reason, "reached_max_descendant_pipelines_depth");
}

TEST_F(RunChildren, ArtifactsOfTheParentReachTheChild) {
  file("c.yml", "use: {script: x, needs: [{pipeline: $PARENT_PIPELINE_ID, job: build}]}\n");
  shell_.acts["build"] = [](const fs::path& project, const auto&, const auto&, const auto&) {
    EXPECT_TRUE(sys::write_file(project / "out.txt", "made"));
    return 0;
  };
  shell_.acts["use"] = [](const fs::path& project, const auto&, const auto&, const auto&) {
    return fs::exists(project / "out.txt") ? 0 : 1;
  };
  const std::string parent = R"(
stages: [build, test]
build: {stage: build, script: x, artifacts: {paths: [out.txt]}}
ship: {trigger: {include: c.yml, strategy: depend}, variables: {PARENT_PIPELINE_ID: $CI_PIPELINE_ID}}
)";
  EXPECT_EQ(statuses(run(parent)), "build=success, ship=success, ship > use=success");
  file("c.yml", "use: {script: x, needs: [{pipeline: $PARENT_PIPELINE_ID, job: other}]}\n");
  const LocalResult missing = run(parent);
  EXPECT_EQ(statuses(missing), "build=success, ship=failed, ship > use=failed");
  EXPECT_EQ(missing.jobs.back().failure_reason, "missing_dependency_failure");
}

TEST_F(RunChildren, AGeneratedConfigurationIsTakenFromTheArtifacts) {
  shell_.acts["make"] = [](const fs::path& project, const auto&, const auto&, const auto&) {
    fs::create_directories(project / "gen");
    EXPECT_TRUE(sys::write_file(
        project / "gen/c.yml",
        "spec: {inputs: {level: {type: number}}}\n---\nmade $[[ inputs.level ]]: {script: x}\n"));
    return 0;
  };
  const auto with = [](const std::string& include) {
    return "stages: [build, test]\nmake: {stage: build, script: x, artifacts: {paths: [gen]}}\n"
           "ship: {trigger: {include: [" +
           include + "]}}\n";
  };
  EXPECT_EQ(statuses(run(with("{artifact: gen/c.yml, job: make, inputs: {level: 3}}"))),
            "make=success, ship=success, ship > made 3=success");
  for (const std::string absent : {"{artifact: gen/d.yml, job: make}", "{artifact: gen/c.yml, job: other}",
                                   "{artifact: ../c.yml, job: make}"}) {
    EXPECT_EQ(statuses(run(with(absent))), "make=success, ship=failed") << absent;
  }
}

TEST_F(RunChildren, IncludesOfAChildSeeItsVariables) {
  file("ci/gpu.yml", "on gpu: {script: x}\n");
  EXPECT_EQ(
      statuses(run("ship: {trigger: {include: {local: 'ci/$MACHINE.yml'}}, variables: {MACHINE: gpu}}")),
      "ship=success, ship > on gpu=success");
}

TEST_F(RunChildren, ReportedVariablesAreExpandedIntoThoseHandedOn) {
  file("c.yml", "see: {script: x}\n");
  shell_.acts["build"] = [](const fs::path& project, const auto&, const auto&, const auto&) {
    EXPECT_TRUE(sys::write_file(project / "v.env", "VERSION=1.2\n"));
    return 0;
  };
  shell_.acts["see"] = notes("GIVEN");
  run(R"(
stages: [build, test]
build: {stage: build, script: x, artifacts: {reports: {dotenv: v.env}}}
ship: {trigger: {include: c.yml}, variables: {GIVEN: v$VERSION}}
)");
  EXPECT_EQ(noted_, "v1.2");
}

TEST_F(RunChildren, AManualJobOfAChildBlocksByItsStrategy) {
  file("c.yml", "wait: {script: x, rules: [{when: manual}]}\n");
  EXPECT_EQ(statuses(run("ship: {trigger: {include: c.yml, strategy: depend}}")),
            "ship=running, ship > wait=manual");
  const LocalResult mirrored = run("ship: {trigger: {include: c.yml, strategy: mirror}}");
  EXPECT_EQ(statuses(mirrored), "ship=manual, ship > wait=manual");
  EXPECT_TRUE(mirrored.good());
}

TEST_F(RunChildren, CancelReachesTheChild) {
  file("c.yml", "long: {script: x}\nnext: {stage: deploy, script: x}\n");
  shell_.acts["long"] = [this](const auto&, const auto&, const auto&, const sys::StopFlag& stop) {
    cancel_.request_stop();
    while (!stop.stop_requested()) std::this_thread::yield();
    return 1;
  };
  EXPECT_EQ(statuses(run("ship: {trigger: {include: c.yml, strategy: depend}}")),
            "ship=canceled, ship > long=canceled, ship > next=canceled");
}

TEST_F(RunChildren, OtherProjectsAreNotStartedAndThatIsSaid) {
  const LocalResult result = run("there: {trigger: g/p}\nmirror: {needs: [{pipeline: g/p}]}\n");
  EXPECT_EQ(statuses(result), "there=success, mirror=success");
  EXPECT_NE(seen_.find("the pipeline of g/p belongs to a server"), std::string::npos) << seen_;
}

}  // namespace
}  // namespace tidegate::app
