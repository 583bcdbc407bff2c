// Properties of the state machine under random pipelines and random events: in order, late, doubled,
// senseless.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "pipeline/machine.h"
#include "pipeline/resource_group.h"

namespace tidegate::pipeline {
namespace {

using config::When;
using enum JobStatus;

class Walk {
 public:
  explicit Walk(std::uint32_t seed) : random_(seed) {
    if (chance(15)) state_.on_job_failure = config::OnJobFailure::kAll;
    const std::uint32_t stages = 1 + pick(4);
    for (std::uint32_t stage = 0; stage < stages; ++stage) {
      const auto first = static_cast<std::ptrdiff_t>(state_.jobs.size());
      for (std::uint32_t i = 0, count = 1 + pick(4); i < count; ++i) add_jobs(stage);
      // So that a job may stand before those of its stage that it needs.
      std::shuffle(state_.jobs.begin() + first, state_.jobs.end(), random_);
    }
  }

  /// Random events, many of them senseless; then the outside does its work until nothing moves.
  int run() {
    send(Started{});
    for (std::uint32_t i = 0, count = 5 + pick(40); i < count; ++i) random_event();
    if (pick(3) == 0) send(PipelineCanceled{pick(2) == 0}), canceled_ = true;
    settle();
    check_settled();
    return steps_;
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  bool chance(std::uint32_t percent) { return pick(100) < percent; }

  /// One job, or the instances of a parallel one: they differ in their names only.
  void add_jobs(std::uint32_t stage) {
    add_job(stage);
    if (!chance(25)) return;
    const std::size_t first = state_.jobs.size() - 1;
    const std::uint32_t count = 2 + pick(2);
    const std::string name = state_.jobs[first].name;
    state_.jobs[first].name += " 1/" + std::to_string(count);
    for (std::uint32_t i = 2; i <= count; ++i) {
      JobState instance = state_.jobs[first];
      instance.id = JobId(++last_id_);
      instance.name = name + " " + std::to_string(i) + "/" + std::to_string(count);
      state_.jobs.push_back(std::move(instance));
    }
  }

  /// A need means a job, or all instances of a parallel one.
  void add_needs(JobState& job) {
    job.needs.emplace();
    std::unordered_map<std::string, bool> wanted;
    for (const auto& other : state_.jobs) {
      const std::string written = other.name.substr(0, other.name.find(' '));
      if (wanted.try_emplace(written, chance(30)).first->second) job.needs->push_back(other.name);
    }
  }

  void add_job(std::uint32_t stage) {
    JobState job;
    job.id = JobId(++last_id_);
    job.name = "job" + std::to_string(last_id_);
    job.interruptible = chance(40);
    if (chance(25)) job.resource_group = chance(50) ? "a" : "b";
    job.stage = stage;
    const std::uint32_t when = pick(10);
    job.when = when < 5    ? When::kOnSuccess
               : when == 5 ? When::kOnFailure
               : when == 6 ? When::kAlways
               : when == 7 ? When::kDelayed
                           : When::kManual;
    job.allow_failure = chance(25);
    if (chance(20)) job.allow_failure_codes = {3};
    if (chance(25)) job.retry_max = 1 + static_cast<int>(pick(2));
    if (chance(35)) add_needs(job);
    if (chance(25)) {
      job.bridge = chance(60)   ? BridgeKind::kChild
                   : chance(60) ? BridgeKind::kProject
                                : BridgeKind::kUpstream;
      job.strategy = static_cast<config::TriggerStrategy>(pick(3));
      if (job.bridge == BridgeKind::kUpstream) job.strategy = config::TriggerStrategy::kMirror;
      job.retry_max = 0;
    }
    state_.jobs.push_back(job);
  }

  JobId any_job() {
    if (chance(3)) return JobId(9999);
    return state_.jobs[pick(static_cast<std::uint32_t>(state_.jobs.size()))].id;
  }

  void random_event() {
    const JobId job = any_job();
    switch (pick(16)) {
      case 0:
      case 1:
        return send(JobPicked{job});
      case 2:
      case 3:
        return send(JobSucceeded{job});
      case 4:
        return send(JobFailed{job, chance(30) ? "runner_system_failure" : "script_failure",
                              static_cast<int>(pick(5))});
      case 5:
        return send(JobRequeued{job});
      case 6:
        return send(JobPlayed{job});
      case 7:
        return send(JobDue{job});
      case 8:
        return send(JobCanceled{job, chance(50)});
      case 9:
        return send(JobRetried{job, chance(90) ? JobId(++last_id_) : any_job()});
      case 10:
        return chance(4) ? send(PipelineCanceled{chance(50)}) : send(Started{});
      case 11:
        return send(NewCommit{static_cast<config::OnNewCommit>(pick(3))});
      case 12:
        return assign_or_nonsense(job);
      case 13:
        return send(BridgeLinked{job});
      case 14:
        return send(BridgeMoved{job, any_status(), chance(30)});
      default:
        return answer_effects();
    }
  }

  JobStatus any_status() {
    constexpr std::array kOf = {kPending, kRunning, kManual,   kCanceling,
                                kSuccess, kFailed,  kCanceled, kSkipped};
    return kOf.at(pick(kOf.size()));
  }

  /// What the rim does with effects: automatic retries.
  void answer_effects() {
    for (const auto& effect : pending_effects(state_)) {
      if (const auto* retry = std::get_if<RetryJob>(&effect))
        return send(JobRetried{retry->job, JobId(++last_id_)});
    }
  }

  /// Runners, timers and the rim do all they can; blocking manual jobs are left alone.
  void settle() {
    for (int round = 0; round < 10'000; ++round) {
      const auto effects = pending_effects(state_);
      const auto running = std::ranges::find_if(state_.jobs, [](const JobState& job) {
        return job.status == kRunning || (job.status == kManual && job.linked);
      });
      if (!effects.empty() && answer(effects[pick(static_cast<std::uint32_t>(effects.size()))])) continue;
      if (running != state_.jobs.end()) {
        finish_one(running->id);
      } else if (effects.empty()) {
        return;
      }
    }
    FAIL() << "does not settle";
  }

  /// False: nothing can be done about it now.
  bool answer(const Effect& effect) {
    if (const auto* e = std::get_if<RequestResource>(&effect)) return assign(group_of(e->job));
    answer_other(effect);
    return true;
  }

  std::string group_of(JobId job) { return find(state_, job)->resource_group; }

  bool assign(const std::string& group) {
    std::vector<ResourceUser> users;
    for (const auto& job : state_.jobs) {
      if (!job.retried && job.resource_group == group) users.push_back({PipelineId(1), job.id, job.status});
    }
    const auto next = next_holder(users, ProcessMode::kUnordered);
    if (next) send(ResourceAssigned{*next});
    return next.has_value();
  }

  /// Whose turn it is, or a job that does not wait for anything.
  void assign_or_nonsense(JobId job) {
    const JobState* state = find(state_, job);
    if (state != nullptr && state->status == kWaitingForResource) {
      assign(state->resource_group);
    } else {
      send(ResourceAssigned{job});
    }
  }

  /// Never two of a group at the same time.
  void check_groups() {
    for (const auto* group : {"a", "b"}) {
      EXPECT_LE(std::ranges::count_if(state_.jobs,
                                      [&](const JobState& job) {
                                        return !job.retried && job.resource_group == group &&
                                               holds_resource(job.status);
                                      }),
                1)
          << group;
    }
  }

  void answer_other(const Effect& effect) {
    if (const auto* e = std::get_if<EnqueueJob>(&effect)) {
      send(JobPicked{e->job});
      if (chance(80)) finish_one(e->job);
    }
    if (const auto* e = std::get_if<StartBridge>(&effect)) {
      chance(80) ? send(BridgeLinked{e->job})
                 : send(JobFailed{e->job, "downstream_pipeline_creation_failed", {}});
    }
    if (const auto* e = std::get_if<ScheduleJob>(&effect)) send(JobDue{e->job});
    if (const auto* e = std::get_if<SignalCancel>(&effect)) {
      const bool bridge = find(state_, e->job)->bridge != BridgeKind::kNone;
      if (bridge || chance(70)) return finish_one(e->job);
      send(JobRequeued{e->job});  // its runner was lost; it must not go on
      EXPECT_EQ(std::ranges::find(state_.jobs, e->job, &JobState::id)->status, kCanceled);
    }
    if (const auto* e = std::get_if<RetryJob>(&effect)) send(JobRetried{e->job, JobId(++last_id_)});
  }

  void finish_one(JobId job) {
    const JobState* state = find(state_, job);
    if (state != nullptr && state->bridge != BridgeKind::kNone)
      return send(BridgeMoved{job, chance(60) ? kSuccess : chance(50) ? kFailed : kSkipped});
    if (chance(70)) return send(JobSucceeded{job});
    send(JobFailed{job, "script_failure", static_cast<int>(pick(5))});
  }

  void send(const Event& event) {
    ++steps_;
    const auto before = statuses();
    const auto effects = apply(state_, event);
    check_effects(before, effects);
    check_composite();
    check_groups();
    if (std::holds_alternative<PipelineCanceled>(event)) check_no_retry_is_due();
    if (const auto* retried = std::get_if<JobRetried>(&event); retried != nullptr && !effects.empty()) {
      check_woken(retried->new_id, before, effects);
    }
    if (chance(15)) check_doubled(event);
  }

  /// Processing leaves nothing to do, and the same event once more changes nothing.
  void check_doubled(const Event& event) {
    State again = state_;
    EXPECT_TRUE(apply(again, Started{}).empty()) << "processing was not finished";
    EXPECT_TRUE(apply(again, event).empty()) << "a doubled event moved something, number " << event.index();
    EXPECT_EQ(again, state_);
  }

  using Statuses = std::unordered_map<std::int64_t, JobStatus>;

  Statuses statuses() const {
    Statuses out;
    for (const auto& job : state_.jobs) out.emplace(job.id.value(), job.status);
    return out;
  }

  static const JobState* find(const State& state, JobId id) {
    const auto found = std::ranges::find(state.jobs, id, &JobState::id);
    return found == state.jobs.end() ? nullptr : &*found;
  }

  /// No job leaves `created` towards running before its stage or needs allow; every change is told.
  void check_effects(Statuses told, const std::vector<Effect>& effects) {
    for (const auto& effect : effects) {
      if (const auto* change = std::get_if<StatusChanged>(&effect)) {
        const auto known = told.emplace(change->job.value(), kCreated).first;
        EXPECT_EQ(change->from, known->second);
        known->second = change->to;
        if (change->from == kCreated && change->to != kCanceled) {
          check_decided(change->job, change->to != kSkipped);
        }
      }
      if (const auto* finished = std::get_if<PipelineFinished>(&effect)) {
        EXPECT_TRUE(is_completed(finished->status));
      }
    }
    for (const auto& job : state_.jobs) {
      const auto known = told.find(job.id.value());
      EXPECT_EQ(job.status, known == told.end() ? kCreated : known->second) << "a change was not told";
    }
  }

  /// GitLab's first rule for needs: one that was skipped (or is an ignored manual job) decides at once, so a
  /// job with `when: always` then starts while its other needs still run.
  bool decided_by_a_skipped_need(const JobState& job) const {
    return job.needs && std::ranges::any_of(state_.jobs, [&](const JobState& other) {
             const bool needed =
                 !other.retried && std::ranges::find(*job.needs, other.name) != job.needs->end();
             return needed && (other.status == kSkipped || (other.status == kManual && other.allow_failure));
           });
  }

  /// A job starts or is skipped only when what it waits for is over.
  void check_decided(JobId id, bool starts) {
    const JobState* job = find(state_, id);
    ASSERT_NE(job, nullptr);
    if (decided_by_a_skipped_need(*job)) {
      EXPECT_EQ(starts, job->when == When::kAlways);
      return;
    }
    for (const auto& other : state_.jobs) {
      if (other.retried || other.id == id) continue;
      const bool waits = job->needs ? needs(*job, other) : other.stage < job->stage;
      if (!waits) continue;
      const bool ignored = other.status == kManual && other.allow_failure;
      EXPECT_TRUE((is_completed(other.status) && !other.retry_due) || ignored)
          << job->name << " was decided before " << other.name << " was done";
    }
  }

  static bool needs(const JobState& job, const JobState& other) {
    return job.needs && std::ranges::find(*job.needs, other.name) != job.needs->end();
  }

  void check_no_retry_is_due() {
    for (const auto& job : state_.jobs) EXPECT_FALSE(job.retry_due) << job.name;
  }

  /// A retry sets back to `created` what was skipped in later stages or needs the job, directly at least.
  void check_woken(JobId id, const Statuses& before, const std::vector<Effect>& effects) {
    const JobState* base = find(state_, id);
    ASSERT_NE(base, nullptr);
    for (const auto& job : state_.jobs) {
      const auto was = before.find(job.id.value());
      if (job.retried || was == before.end() || was->second != kSkipped) continue;
      if (job.stage <= base->stage && !needs(job, *base)) continue;
      const bool woken = std::ranges::any_of(effects, [&](const Effect& effect) {
        const auto* change = std::get_if<StatusChanged>(&effect);
        return change != nullptr && change->job == job.id && change->to == kCreated;
      });
      EXPECT_TRUE(woken) << job.name << " stays skipped after the retry of " << base->name;
    }
  }

  void check_composite() {
    std::vector<const JobState*> jobs;
    bool alive = false;
    for (const auto& job : state_.jobs) {
      if (job.retried) continue;
      jobs.push_back(&job);
      const bool blocked = job.status == kManual || job.status == kScheduled;
      alive = alive || job.retry_due || (!is_completed(job.status) && !blocked);
    }
    EXPECT_EQ(composite(jobs, false).value_or(kSuccess), state_.status);
    if (is_completed(state_.status)) EXPECT_FALSE(alive) << "a completed pipeline has jobs that go on";
  }

  void check_settled() {
    bool blocking = false;
    for (const auto& job : state_.jobs) {
      if (!job.retried && job.status == kManual && !job.allow_failure) blocking = true;
    }
    for (const auto& job : state_.jobs) {
      if (job.linked) EXPECT_NE(job.bridge, BridgeKind::kNone);
      if (job.linked && job.strategy == config::TriggerStrategy::kNone) EXPECT_TRUE(is_completed(job.status));
    }
    if (canceled_) EXPECT_FALSE(blocking) << "cancel leaves nothing that waits";
    if (blocking) {
      EXPECT_EQ(state_.status, kManual);
    } else {
      EXPECT_TRUE(is_completed(state_.status)) << to_string(state_.status);
    }
  }

  std::mt19937 random_;
  State state_;
  std::int64_t last_id_ = 0;
  int steps_ = 0;
  bool canceled_ = false;
};

TEST(MachineRandom, AHundredThousandSteps) {
  int steps = 0;
  for (std::uint32_t seed = 1; steps < 100'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    steps += Walk(seed).run();
    if (HasFailure()) return;  // the first seed is enough
  }
  RecordProperty("steps", steps);
}

}  // namespace
}  // namespace tidegate::pipeline
