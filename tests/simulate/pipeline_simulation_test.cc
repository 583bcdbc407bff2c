// Pipelines in a world of their own: runners whose answers come doubled and late, people who cancel, play and
// retry, resource groups that pipelines share, and a server that dies at any write and goes on from what it
// has stored. The rim is that of the server in small (app/server/pipelines.cc).
#include <algorithm>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "pipeline/machine.h"
#include "pipeline/resource_group.h"
#include "simulation.h"

namespace tidegate::simulate {
namespace {

using namespace pipeline;
using enum JobStatus;
using config::When;

struct StoredPipelines {
  std::vector<State> pipelines;
  std::int64_t last_job = 0;
  std::map<std::int64_t, Instant> due;  ///< delayed jobs
};

class PipelineWorld {
 public:
  explicit PipelineWorld(std::uint32_t seed) : sim_(seed), stored_(sim_) {
    sim_.on_restart([this] { resume(); });
  }

  std::int64_t run() {
    const std::uint32_t count = 1 + sim_.pick(3);
    for (std::uint32_t i = 0; i < count; ++i) {
      sim_.after(Owner::kWorld, sim_.between(0, 60'000), [this] { create(); });
    }
    sim_.crash_once_in(30 + sim_.pick(300));
    const Instant meddling = sim_.now() + Millis{600'000};
    EXPECT_TRUE(sim_.run(meddling, 100'000)) << "never comes to rest";
    sim_.crash_once_in(0);
    meddle_ = false;
    for (int round = 0; round < 50; ++round) {
      EXPECT_TRUE(sim_.run(sim_.now() + Millis{36'000'000}, 100'000)) << "never comes to rest";
      const auto waiting = blocked();
      if (waiting.empty()) break;
      for (const auto& [p, job] : waiting) send(p, JobPlayed{job});
    }
    check_end();
    return sim_.steps();
  }
  int crashes() const { return sim_.crashes(); }

 private:
  // --- what there is to do

  void create() {
    sim_.guarded([this] {
      std::size_t p = 0;
      stored_.commit([&](StoredPipelines& s) {
        State state;
        if (sim_.chance(15)) state.on_job_failure = config::OnJobFailure::kAll;
        for (std::uint32_t stage = 0, stages = 1 + sim_.pick(3); stage < stages; ++stage) {
          for (std::uint32_t i = 0, jobs = 1 + sim_.pick(3); i < jobs; ++i)
            state.jobs.push_back(job(JobId{++s.last_job}, stage, state));
        }
        p = s.pipelines.size();
        s.pipelines.push_back(std::move(state));
      });
      send(p, Started{});
    });
  }

  JobState job(JobId id, std::uint32_t stage, const State& before) {
    JobState out;
    out.id = id;
    out.name = fmt::format("job{}", id.value());
    out.stage = stage;
    const std::uint32_t when = sim_.pick(10);
    out.when = when < 6    ? When::kOnSuccess
               : when == 6 ? When::kOnFailure
               : when == 7 ? When::kAlways
               : when == 8 ? When::kDelayed
                           : When::kManual;
    if (out.when == When::kDelayed) out.start_in = Seconds{1 + sim_.pick(600)};
    out.allow_failure = sim_.chance(25);
    out.interruptible = sim_.chance(40);
    if (sim_.chance(25)) out.retry_max = 1 + static_cast<int>(sim_.pick(2));
    if (sim_.chance(30)) out.resource_group = sim_.chance(50) ? "a" : "b";
    if (sim_.chance(30)) {
      out.needs.emplace();
      for (const JobState& other : before.jobs) {
        if (sim_.chance(40)) out.needs->push_back(other.name);
      }
    }
    return out;
  }

  /// Blocking manual jobs: somebody must play them.
  std::vector<std::pair<std::size_t, JobId>> blocked() const {
    std::vector<std::pair<std::size_t, JobId>> out;
    for (std::size_t p = 0; p < stored_.read().pipelines.size(); ++p) {
      for (const JobState& j : stored_.read().pipelines[p].jobs) {
        if (j.status == kManual && !j.allow_failure && !j.retried) out.emplace_back(p, j.id);
      }
    }
    return out;
  }

  // --- the server

  void send(std::size_t p, const Event& event) {
    std::vector<Effect> effects;
    stored_.commit([&](StoredPipelines& s) {
      effects = apply(s.pipelines[p], event);
      for (const Effect& effect : effects) {
        if (const auto* schedule = std::get_if<ScheduleJob>(&effect))
          s.due.try_emplace(schedule->job.value(), sim_.now() + schedule->delay);
      }
    });
    check_groups();
    perform(p, effects);
  }

  void perform(std::size_t p, const std::vector<Effect>& effects) {
    for (const Effect& effect : effects) {
      sim_.may_crash();
      if (const auto* enqueue = std::get_if<EnqueueJob>(&effect)) {
        later(sim_.between(0, 5000), [this, p, id = enqueue->job] { take(p, id); });
      } else if (const auto* schedule = std::get_if<ScheduleJob>(&effect)) {
        const auto left = std::max(Millis{0}, stored_.read().due.at(schedule->job.value()) - sim_.now());
        later(left, [this, p, id = schedule->job] { send(p, JobDue{id}); });
      } else if (std::holds_alternative<RequestResource>(effect)) {
        later(Millis{0}, [this] { assign(); });
      } else if (const auto* cancel = std::get_if<SignalCancel>(&effect)) {
        later(sim_.between(0, 3000), [this, p, id = cancel->job] { end(p, id); });
      } else if (const auto* retry = std::get_if<RetryJob>(&effect)) {
        later(Millis{0}, [this, p, id = retry->job] { clone(p, id); });
      } else if (std::holds_alternative<PipelineFinished>(effect)) {
        EXPECT_TRUE(is_completed(stored_.read().pipelines[p].status));
      } else if (const auto* change = std::get_if<StatusChanged>(&effect);
                 change != nullptr && !holds_resource(change->to)) {
        later(Millis{0}, [this] { assign(); });
      }
    }
  }

  void later(Millis delay, std::function<void()> work) {
    sim_.after(Owner::kProcess, delay, std::move(work));
  }

  void clone(std::size_t p, JobId id) {
    const JobState* old = find(p, id);
    if (old == nullptr || old->retried) return;
    std::vector<Effect> effects;
    stored_.commit(
        [&](StoredPipelines& s) { effects = apply(s.pipelines[p], JobRetried{id, JobId{++s.last_job}}); });
    perform(p, effects);
  }

  /// Whose turn it is in each group, over all pipelines.
  void assign() {
    for (const std::string group : {"a", "b"}) {
      std::vector<ResourceUser> users;
      for (std::size_t p = 0; p < stored_.read().pipelines.size(); ++p) {
        for (const JobState& j : stored_.read().pipelines[p].jobs) {
          if (!j.retried && j.resource_group == group)
            users.push_back({PipelineId{static_cast<std::int64_t>(p) + 1}, j.id, j.status});
        }
      }
      const auto next = next_holder(users, ProcessMode::kUnordered);
      if (!next) continue;
      const auto user = std::ranges::find(users, *next, &ResourceUser::job);
      send(static_cast<std::size_t>(user->pipeline.value() - 1), ResourceAssigned{*next});
    }
  }

  void take(std::size_t p, JobId id) {
    if (find(p, id)->status != kPending) return;
    send(p, JobPicked{id});
    if (find(p, id)->status != kRunning) return;
    EXPECT_FALSE(ended_.contains(id.value())) << "job " << id.value() << " runs again after its end";
    EXPECT_TRUE(executing_.insert(id.value()).second) << "job " << id.value() << " runs twice at once";
    sim_.may_crash();
    later(sim_.between(100, 60'000), [this, p, id] { end(p, id); });
    if (meddle_ && sim_.chance(20)) meddle_with(p);
  }

  /// The outcome; it may be told twice, and the second time late.
  void end(std::size_t p, JobId id) {
    executing_.erase(id.value());
    const Event outcome =
        sim_.chance(70) ? Event(JobSucceeded{id})
                        : Event(JobFailed{id, sim_.chance(50) ? "script_failure" : "runner_system_failure",
                                          static_cast<int>(sim_.pick(3))});
    if (sim_.chance(20))
      sim_.after(Owner::kWorld, sim_.between(0, 120'000), [this, p, outcome] { send(p, outcome); });
    send(p, outcome);
    if (is_completed(find(p, id)->status)) ended_.insert(id.value());
  }

  void meddle_with(std::size_t p) {
    const auto& jobs = stored_.read().pipelines[p].jobs;
    const JobId id = jobs[sim_.pick(static_cast<std::uint32_t>(jobs.size()))].id;
    const std::uint32_t what = sim_.pick(8);
    sim_.after(Owner::kWorld, sim_.between(0, 30'000), [this, p, id, what] {
      if (what == 0) return send(p, PipelineCanceled{sim_.chance(50)});
      if (what == 1) return send(p, NewCommit{config::OnNewCommit::kInterruptible});
      if (what < 4) return send(p, JobCanceled{id, sim_.chance(50)});
      if (what < 6) return send(p, JobPlayed{id});
      const JobState* job = find(p, id);
      if (job->status == kFailed || job->status == kCanceled || job->status == kSuccess) clone(p, id);
    });
  }

  /// As after kill -9: nothing runs any more, running jobs are queued again, what was asked for is asked for
  /// again.
  void resume() {
    executing_.clear();
    for (std::size_t p = 0; p < stored_.read().pipelines.size(); ++p) {
      if (stored_.read().pipelines[p].status == kCreated) send(p, Started{});
      const auto jobs = stored_.read().pipelines[p].jobs;
      for (const JobState& j : jobs) {
        if (j.status == kRunning || j.status == kCanceling) send(p, JobRequeued{j.id});
      }
      perform(p, pending_effects(stored_.read().pipelines[p]));
    }
    assign();
  }

  // --- what must be so

  const JobState* find(std::size_t p, JobId id) const {
    const auto& jobs = stored_.read().pipelines[p].jobs;
    const auto found = std::ranges::find(jobs, id, &JobState::id);
    return found == jobs.end() ? nullptr : &*found;
  }

  void check_groups() {
    std::map<std::string, int> holders;
    for (const State& state : stored_.read().pipelines) {
      for (const JobState& j : state.jobs) {
        if (!j.retried && !j.resource_group.empty() && holds_resource(j.status)) ++holders[j.resource_group];
      }
    }
    for (const auto& [group, count] : holders) EXPECT_LE(count, 1) << "two hold group " << group;
  }

  void check_end() {
    EXPECT_TRUE(executing_.empty());
    for (std::size_t p = 0; p < stored_.read().pipelines.size(); ++p) {
      const State& state = stored_.read().pipelines[p];
      EXPECT_TRUE(is_completed(state.status))
          << "pipeline " << p << " never ends: " << to_string(state.status);
      for (const JobState& j : state.jobs) {
        const bool over = is_completed(j.status) || (j.status == kManual && j.allow_failure) || j.retried;
        EXPECT_TRUE(over) << j.name << " of pipeline " << p << " is " << to_string(j.status);
        EXPECT_FALSE(j.retry_due) << j.name;
      }
    }
  }

  Simulation sim_;
  Durable<StoredPipelines> stored_;
  std::set<std::int64_t> executing_;
  std::set<std::int64_t> ended_;
  bool meddle_ = true;
};

TEST(Simulate, NoJobRunsTwiceAndEveryPipelineEnds) {
  run_seeds<PipelineWorld>(300);
}

}  // namespace
}  // namespace tidegate::simulate
