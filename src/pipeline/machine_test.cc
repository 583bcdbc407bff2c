#include "pipeline/machine.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace tidegate::pipeline {
namespace {

using config::When;
using Names = std::vector<std::string>;

/// A pipeline under test: jobs by name, events by name, statuses as one line.
class Pipeline {
 public:
  JobState& add(const std::string& name, std::uint32_t stage, When when = When::kOnSuccess) {
    JobState job;
    job.id = JobId(static_cast<std::int64_t>(state.jobs.size()) + 1);
    job.name = name;
    job.stage = stage;
    job.when = when;
    state.jobs.push_back(job);
    return state.jobs.back();
  }

  JobState& latest(const std::string& name) {
    for (auto& job : state.jobs) {
      if (job.name == name && !job.retried) return job;
    }
    throw std::runtime_error("no job " + name);
  }
  JobId id(const std::string& name) { return latest(name).id; }

  /// Applies the event; the answer tells the effects, e.g. "enqueue b; status a pending>running".
  std::string operator()(const Event& event) {
    Names out;
    for (const auto& effect : apply(state, event))
      out.push_back(std::visit([&](const auto& e) { return tell(e); }, effect));
    return join(out, "; ");
  }

  std::string statuses() const {
    Names out;
    for (const auto& job : state.jobs) {
      if (!job.retried) out.push_back(fmt::format("{}={}", job.name, to_string(job.status)));
    }
    return fmt::format("{} [{}]", join(out, " "), to_string(state.status));
  }

  State state;

 private:
  std::string name_of(JobId id) const {
    for (const auto& job : state.jobs) {
      if (job.id == id) return job.name;
    }
    return "?";
  }
  std::string tell(const EnqueueJob& e) const { return "enqueue " + name_of(e.job); }
  std::string tell(const StartBridge& e) const { return "bridge " + name_of(e.job); }
  std::string tell(const ScheduleJob& e) const {
    return fmt::format("schedule {} {}s", name_of(e.job), e.delay.count());
  }
  std::string tell(const RequestResource& e) const { return "request " + name_of(e.job); }
  std::string tell(const SignalCancel& e) const { return "signal " + name_of(e.job); }
  std::string tell(const RetryJob& e) const { return "retry " + name_of(e.job); }
  std::string tell(const StatusChanged& e) const {
    return fmt::format("{} {}>{}", name_of(e.job), to_string(e.from), to_string(e.to));
  }
  static std::string tell(const PipelineFinished& e) {
    return fmt::format("finished {}", to_string(e.status));
  }
};

TEST(Machine, StagesOneAfterTheOther) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 1);
  EXPECT_EQ(p(Started{}), "a created>pending; enqueue a");
  EXPECT_EQ(p.statuses(), "a=pending b=created [pending]");
  EXPECT_EQ(p(JobPicked{p.id("a")}), "a pending>running");
  EXPECT_EQ(p(JobSucceeded{p.id("a")}), "a running>success; b created>pending; enqueue b");
  p(JobPicked{p.id("b")});
  EXPECT_EQ(p(JobSucceeded{p.id("b")}), "b running>success; finished success");
  EXPECT_EQ(p.statuses(), "a=success b=success [success]");
}

TEST(Machine, DoubledAndLateEventsChangeNothing) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 1);
  p(Started{});
  EXPECT_EQ(p(Started{}), "");
  p(JobPicked{p.id("a")});
  p(JobSucceeded{p.id("a")});
  const State before = p.state;
  for (const Event& event : std::vector<Event>{
           JobPicked{p.id("a")}, JobSucceeded{p.id("a")}, JobFailed{p.id("a"), "script_failure", 1},
           JobRequeued{p.id("a")}, JobPlayed{p.id("a")}, JobDue{p.id("a")}, JobCanceled{p.id("a")}, Started{},
           JobPicked{JobId(99)}, JobRetried{p.id("a"), p.id("b")}, JobRetried{p.id("a"), JobId()},
           JobRetried{p.id("b"), JobId(7)}}) {
    EXPECT_EQ(p(event), "");
    EXPECT_EQ(p.state, before);
  }
}

TEST(Machine, FailureSkipsWhatIsOnSuccessAndStartsWhatIsOnFailure) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 1);
  p.add("clean", 1, When::kOnFailure);
  p.add("report", 2, When::kAlways);
  p(Started{});
  p(JobPicked{p.id("a")});
  EXPECT_EQ(p(JobFailed{p.id("a"), "script_failure", 1}),
            "a running>failed; b created>skipped; clean created>pending; enqueue clean");
  p(JobPicked{p.id("clean")});
  p(JobSucceeded{p.id("clean")});
  EXPECT_EQ(p.statuses(), "a=failed b=skipped clean=success report=pending [running]");
  EXPECT_EQ(p(JobSucceeded{p.id("report")}), "report pending>success; finished failed");
}

TEST(Machine, NeedsIgnoreStages) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 0);
  p.add("c", 1).needs = Names{"a"};
  p.add("d", 1).needs = Names{};
  p.add("e", 2).needs = Names{"c", "f"};
  p.add("f", 2);
  EXPECT_EQ(p(Started{}),
            "a created>pending; enqueue a; b created>pending; enqueue b; d created>pending; enqueue d");
  EXPECT_EQ(p(JobSucceeded{p.id("a")}), "a pending>success; c created>pending; enqueue c");
  p(JobSucceeded{p.id("c")});
  EXPECT_EQ(p.latest("e").status, JobStatus::kCreated);
  p(JobFailed{p.id("b"), "script_failure", 1});
  EXPECT_EQ(p.statuses(), "a=success b=failed c=success d=pending e=created f=created [running]");
  p(JobSucceeded{p.id("d")});
  EXPECT_EQ(p.statuses(), "a=success b=failed c=success d=success e=skipped f=skipped [failed]");
}

TEST(Machine, SkipsCascadeInOneWalkWithinAStage) {
  Pipeline p;
  p.add("z", 1).needs = Names{"y"};
  p.add("y", 1).needs = Names{"x"};
  p.add("x", 1).needs = Names{"a"};
  p.state.jobs.insert(p.state.jobs.begin(), JobState{});
  p.state.jobs[0].id = JobId(10);
  p.state.jobs[0].name = "a";
  p(Started{});
  p(JobFailed{JobId(10), "script_failure", 1});
  EXPECT_EQ(p.statuses(), "a=failed z=skipped y=skipped x=skipped [failed]");
}

TEST(Machine, ManualJobs) {
  Pipeline p;
  p.add("ask", 0, When::kManual);
  p.add("optional", 0, When::kManual).allow_failure = true;
  p.add("next", 1);
  EXPECT_EQ(p(Started{}), "ask created>manual; optional created>manual");
  EXPECT_EQ(p.statuses(), "ask=manual optional=manual next=created [manual]");
  EXPECT_EQ(p(JobPlayed{p.id("ask")}), "ask manual>pending; enqueue ask");
  EXPECT_EQ(p(JobSucceeded{p.id("ask")}), "ask pending>success; next created>pending; enqueue next");
  EXPECT_EQ(p(JobSucceeded{p.id("next")}), "next pending>success; finished success");
  EXPECT_EQ(p(JobPlayed{p.id("optional")}), "optional manual>pending; enqueue optional");
  EXPECT_EQ(p(JobFailed{p.id("optional"), "script_failure", 1}), "optional pending>failed; finished success");
}

TEST(Machine, PlayingAnIgnoredJobWakesThoseThatNeedIt) {
  Pipeline p;
  p.add("optional", 0, When::kManual).allow_failure = true;
  p.add("after", 1).needs = Names{"optional"};
  p(Started{});
  EXPECT_EQ(p.statuses(), "optional=manual after=skipped [skipped]");
  p(JobPlayed{p.id("optional")});
  EXPECT_EQ(p.statuses(), "optional=pending after=created [pending]");
  p(JobSucceeded{p.id("optional")});
  EXPECT_EQ(p.latest("after").status, JobStatus::kPending);
}

TEST(Machine, DelayedJobs) {
  Pipeline p;
  p.add("later", 0, When::kDelayed).start_in = Seconds{90};
  EXPECT_EQ(p(Started{}), "later created>scheduled; schedule later 90s");
  EXPECT_EQ(p.statuses(), "later=scheduled [scheduled]");
  EXPECT_EQ(p(JobDue{p.id("later")}), "later scheduled>pending; enqueue later");
  EXPECT_EQ(p(JobDue{p.id("later")}), "");
}

TEST(Machine, AllowFailureByExitCode) {
  Pipeline p;
  p.add("a", 0).allow_failure_codes = {42};
  p.add("b", 1);
  p(Started{});
  p(JobFailed{p.id("a"), "script_failure", 42});
  EXPECT_EQ(p.statuses(), "a=failed b=pending [pending]");
  EXPECT_TRUE(p.latest("a").allow_failure);
  p(JobRetried{p.id("a"), JobId(9)});
  EXPECT_FALSE(p.latest("a").allow_failure);
}

TEST(Machine, AutomaticRetryHoldsThePipeline) {
  Pipeline p;
  p.add("a", 0).retry_max = 1;
  p.add("b", 1);
  p(Started{});
  p(JobPicked{p.id("a")});
  EXPECT_EQ(p(JobFailed{p.id("a"), "script_failure", 1}), "a running>failed; retry a");
  EXPECT_EQ(p.statuses(), "a=failed b=created [pending]");
  EXPECT_EQ(p(JobRetried{p.id("a"), JobId(9)}), "a created>pending; enqueue a");
  EXPECT_EQ(p(JobRetried{JobId(1), JobId(10)}), "");
  EXPECT_EQ(p.latest("a").attempt, 1);
  EXPECT_EQ(p(JobFailed{JobId(9), "script_failure", 1}),
            "a pending>failed; b created>skipped; finished failed");
}

TEST(Machine, RetryReasons) {
  const auto retries = [](auto set_up, const std::string& reason, std::optional<int> code) {
    Pipeline p;
    set_up(p.add("a", 0));
    p(Started{});
    p(JobFailed{p.id("a"), reason, code});
    return p.latest("a").retry_due;
  };
  const auto plain = [](JobState&) {};
  const auto twice = [](JobState& job) { job.retry_max = 2; };
  const auto system = [](JobState& job) {
    job.retry_max = 2;
    job.retry_when = {"runner_system_failure"};
  };
  const auto code = [](JobState& job) {
    job.retry_max = 2;
    job.retry_codes = {137};
  };
  const auto either = [](JobState& job) {
    job.retry_max = 2;
    job.retry_when = {"stuck_or_timeout_failure"};
    job.retry_codes = {137};
  };
  EXPECT_FALSE(retries(plain, "script_failure", 1));
  EXPECT_TRUE(retries(plain, "scheduler_failure", std::nullopt));
  EXPECT_TRUE(retries(twice, "script_failure", 1));
  EXPECT_FALSE(retries(twice, "missing_dependency_failure", std::nullopt));
  EXPECT_FALSE(retries(system, "script_failure", 1));
  EXPECT_TRUE(retries(system, "runner_system_failure", std::nullopt));
  EXPECT_TRUE(retries(code, "script_failure", 137));
  EXPECT_FALSE(retries(code, "script_failure", 1));
  EXPECT_TRUE(retries(either, "script_failure", 137));
  EXPECT_TRUE(retries(either, "stuck_or_timeout_failure", std::nullopt));
  EXPECT_FALSE(retries(either, "script_failure", std::nullopt));
}

TEST(Machine, RetryWakesSkippedDescendants) {
  Pipeline p;
  p.add("a", 0);
  p.add("same", 0).needs = Names{"a"};
  p.add("b", 1);
  p.add("c", 2).needs = Names{"b"};
  p(Started{});
  p(JobFailed{p.id("a"), "script_failure", 1});
  EXPECT_EQ(p.statuses(), "a=failed same=skipped b=skipped c=skipped [failed]");
  p(JobRetried{p.id("a"), JobId(9)});
  EXPECT_EQ(p.statuses(), "a=pending same=created b=created c=created [pending]");
  EXPECT_EQ(p.state.jobs[1].id, JobId(9));  // beside the one it replaces
}

TEST(Machine, RetryOfAManualJobStartsItAtOnce) {
  Pipeline p;
  p.add("ask", 0, When::kManual);
  p(Started{});
  p(JobPlayed{p.id("ask")});
  p(JobFailed{p.id("ask"), "script_failure", 1});
  EXPECT_EQ(p(JobRetried{p.id("ask"), JobId(9)}), "ask created>pending; enqueue ask");
}

TEST(Machine, CancelJob) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 1, When::kAlways);
  p(Started{});
  p(JobPicked{p.id("a")});
  EXPECT_EQ(p(JobCanceled{p.id("a")}), "a running>canceling; signal a");
  EXPECT_EQ(p(JobCanceled{p.id("a")}), "");
  EXPECT_EQ(p(JobSucceeded{p.id("a")}), "a canceling>canceled; b created>skipped; finished canceled");
}

TEST(Machine, CancelWithoutGraceAndLostRunner) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 0);
  p.add("c", 0);
  p(Started{});
  for (const auto* name : {"a", "b", "c"}) p(JobPicked{p.id(name)});
  EXPECT_EQ(p(JobCanceled{p.id("a"), false}), "a running>canceled; signal a");
  p(JobCanceled{p.id("b")});
  EXPECT_EQ(p(JobRequeued{p.id("b")}), "b canceling>canceled");
  p(JobCanceled{p.id("c")});
  EXPECT_EQ(p(JobCanceled{p.id("c"), false}), "c canceling>canceled; finished canceled");
}

TEST(Machine, CancelPipelineEnds) {
  Pipeline p;
  p.add("done", 0);
  p.add("run", 0);
  p.add("ask", 0, When::kManual);
  p.add("later", 0, When::kDelayed);
  p.add("retry", 0).retry_max = 2;
  p.add("next", 1, When::kAlways);
  p(Started{});
  p(JobSucceeded{p.id("done")});
  p(JobPicked{p.id("run")});
  p(JobFailed{p.id("retry"), "script_failure", 1});
  p(PipelineCanceled{});
  EXPECT_EQ(p.statuses(),
            "done=success run=canceling ask=canceled later=canceled retry=failed next=canceled [canceling]");
  EXPECT_EQ(p(JobFailed{p.id("run"), "job_canceled", std::nullopt}),
            "run canceling>canceled; finished failed");
  EXPECT_EQ(p(PipelineCanceled{}), "");
}

TEST(Machine, AJobOfAResourceGroupWaitsForItsTurn) {
  Pipeline p;
  p.add("a", 0).resource_group = "g";
  EXPECT_EQ(p(Started{}), "a created>waiting_for_resource; request a");
  EXPECT_EQ(p.statuses(), "a=waiting_for_resource [waiting_for_resource]");
  EXPECT_EQ(std::get<RequestResource>(pending_effects(p.state).at(0)).job, p.id("a"));
  EXPECT_EQ(p(ResourceAssigned{p.id("a")}), "a waiting_for_resource>pending; enqueue a");
  EXPECT_EQ(p(ResourceAssigned{p.id("a")}), "");
  p(JobPicked{p.id("a")});
  EXPECT_EQ(p(JobRequeued{p.id("a")}), "a running>pending; enqueue a");  // it keeps what it holds
  p(JobPicked{p.id("a")});
  p(JobFailed{p.id("a"), "script_failure", 1});
  EXPECT_EQ(p(JobRetried{p.id("a"), JobId(9)}), "a created>waiting_for_resource; request a");
}

TEST(Machine, OnJobFailureAllEndsTheRest) {
  const auto run = [](config::OnJobFailure mode, bool allowed) {
    Pipeline p;
    p.state.on_job_failure = mode;
    p.add("a", 0).allow_failure = allowed;
    p.add("b", 0);
    p.add("c", 1);
    p(Started{});
    p(JobPicked{p.id("a")});
    p(JobPicked{p.id("b")});
    p(JobFailed{p.id("a"), "script_failure", 1});
    return p.statuses();
  };
  EXPECT_EQ(run(config::OnJobFailure::kAll, false), "a=failed b=canceling c=canceled [canceling]");
  EXPECT_EQ(run(config::OnJobFailure::kAll, true), "a=failed b=running c=created [running]");
  EXPECT_EQ(run(config::OnJobFailure::kNone, false), "a=failed b=running c=created [running]");
}

TEST(Machine, OnJobFailureWaitsForTheRetry) {
  Pipeline p;
  p.state.on_job_failure = config::OnJobFailure::kAll;
  p.add("a", 0).retry_max = 1;
  p.add("b", 0);
  p(Started{});
  p(JobFailed{p.id("a"), "script_failure", 1});
  EXPECT_EQ(p.latest("b").status, JobStatus::kPending);
  p(JobRetried{p.id("a"), JobId(9)});
  p(JobFailed{p.id("a"), "script_failure", 1});
  EXPECT_EQ(p.statuses(), "a=failed b=canceled [failed]");
}

/// The statuses after a newer commit came while `a` ran and `b` had not begun.
std::string after_new_commit(config::OnNewCommit mode, bool a_interruptible, bool b_interruptible) {
  Pipeline p;
  p.add("a", 0).interruptible = a_interruptible;
  p.add("b", 1).interruptible = b_interruptible;
  p(Started{});
  p(JobPicked{p.id("a")});
  p(NewCommit{mode});
  EXPECT_EQ(p(NewCommit{mode}), "");
  return p.statuses();
}

TEST(Machine, ANewerCommitEndsWhatMayBeInterrupted) {
  using enum config::OnNewCommit;
  EXPECT_EQ(after_new_commit(kNone, true, true), "a=running b=created [running]");
  EXPECT_EQ(after_new_commit(kConservative, true, false), "a=canceling b=canceled [canceling]");
  EXPECT_EQ(after_new_commit(kConservative, false, true), "a=running b=created [running]");
  EXPECT_EQ(after_new_commit(kInterruptible, false, true), "a=running b=canceled [running]");
  EXPECT_EQ(after_new_commit(kInterruptible, true, false), "a=canceling b=created [running]");
}

TEST(Machine, ANewerCommitLeavesAPipelineThatWaitsForAPerson) {
  Pipeline p;
  p.add("a", 0, When::kManual).interruptible = true;
  p.add("b", 1).interruptible = true;
  p(Started{});
  EXPECT_EQ(p(NewCommit{config::OnNewCommit::kConservative}), "");
  EXPECT_EQ(p(NewCommit{config::OnNewCommit::kInterruptible}), "");
}

TEST(Machine, RequeueIsNoRetry) {
  Pipeline p;
  p.add("a", 0);
  p(Started{});
  p(JobPicked{p.id("a")});
  EXPECT_EQ(p(JobRequeued{p.id("a")}), "a running>pending; enqueue a");
  EXPECT_EQ(p.latest("a").attempt, 0);
}

TEST(Machine, PendingEffectsAfterARestart) {
  Pipeline p;
  p.add("a", 0);
  p.add("b", 0);
  p.add("c", 0, When::kDelayed).start_in = Seconds{5};
  p.add("d", 0).retry_max = 1;
  p.add("e", 1);
  p(Started{});
  p(JobPicked{p.id("b")});
  p(JobCanceled{p.id("b")});
  p(JobFailed{p.id("d"), "script_failure", 1});
  const auto effects = pending_effects(p.state);
  ASSERT_EQ(effects.size(), 4U);
  EXPECT_EQ(std::get<EnqueueJob>(effects[0]).job, p.id("a"));
  EXPECT_EQ(std::get<SignalCancel>(effects[1]).job, p.id("b"));
  EXPECT_EQ(std::get<ScheduleJob>(effects[2]).delay, Seconds{5});
  EXPECT_EQ(std::get<RetryJob>(effects[3]).job, p.id("d"));
}

TEST(Machine, AnEmptyPipelineIsASuccess) {
  Pipeline p;
  EXPECT_EQ(p(Started{}), "finished success");
  EXPECT_EQ(p(Started{}), "");
}

}  // namespace
}  // namespace tidegate::pipeline
