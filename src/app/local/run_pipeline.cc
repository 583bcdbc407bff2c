#include "app/local/run_pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/core.h>

#include "app/local/job_selection.h"
#include "app/local/local_io.h"
#include "app/local/trace_lines.h"
#include "app/server/dotenv.h"
#include "base/text.h"

namespace tidegate::app {

namespace fs = std::filesystem;
using pipeline::JobStatus;

namespace {

constexpr Millis kCancelPoll{100};

// What a worker hands back.
struct Ended {
  JobId id;
  JobOutcome outcome;
  Millis duration{0};
};

// Ended jobs, from the workers to the one thread that decides.
class Inbox {
 public:
  void put(Ended ended) {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(ended));
    arrived_.notify_one();
  }
  std::vector<Ended> wait(Millis at_most) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, at_most, [this] { return !ended_.empty(); });
    return std::exchange(ended_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Ended> ended_;
};

// Observers are called by one thread at a time.
class Observed {
 public:
  explicit Observed(LocalObserver& observer) : observer_(observer) {}
  template <class Call>
  void tell(const Call& call) {
    const std::lock_guard lock(mutex_);
    call(observer_);
  }

 private:
  std::mutex mutex_;
  LocalObserver& observer_;
};

struct Running {
  sys::StopFlag cancel;
  std::jthread thread;
};

class PipelineRun {
 public:
  PipelineRun(const pipeline::Plan& plan, const WorkingCopy& copy, const LocalSettings& settings,
              LocalObserver& observer, const Clock& clock, const sys::StopFlag& cancel)
      : plan_(plan), copy_(copy), settings_(settings), observed_(observer), clock_(clock), cancel_(cancel) {}

  Result<LocalResult> run() {
    TG_TRY(selected_, select_jobs(plan_, settings_.jobs));
    if (settings_.policy == ExecutorPolicy::kDocker && settings_.docker == nullptr) {
      return fail(Errc::kEnvironment,
                  "no Docker Engine answers: start one (apt install docker.io), or use --executor shell");
    }
    const Instant begin = clock_.now();
    make_state();
    apply(pipeline::Started{});
    bool told_to_cancel = false;
    while (true) {
      while (running_.size() < std::max<std::size_t>(settings_.parallel, 1) && !ready_.empty()) start_next();
      if (running_.empty()) break;
      for (const Ended& ended : inbox_.wait(kCancelPoll)) finish(ended);
      if (cancel_.stop_requested() && !told_to_cancel) {
        told_to_cancel = true;
        observed_.tell([](LocalObserver& o) { o.notice("canceling: running jobs get their after_script"); });
        apply(pipeline::PipelineCanceled{});
      }
    }
    result_.status = state_.status;
    result_.duration = clock_.now() - begin;
    return result_;
  }

 private:
  void make_state() {
    for (const pipeline::PlannedJob& planned : plan_.jobs) {
      if (!selected_.contains(planned.name)) continue;
      const JobId id(next_id_++);
      state_.jobs.push_back(pipeline::initial_state(planned, id, plan_.stages));
      planned_[planned.name] = &planned;
      LocalJob job;
      job.name = planned.name;
      job.stage = planned.stage;
      job.allow_failure = planned.allow_failure.value;
      result_.jobs.push_back(std::move(job));
    }
  }

  void apply(const pipeline::Event& event) {
    std::deque<pipeline::Event> events{event};
    while (!events.empty()) {
      const pipeline::Event next = events.front();
      events.pop_front();
      for (const pipeline::Effect& effect : pipeline::apply(state_, next)) perform(effect, events);
    }
  }

  void perform(const pipeline::Effect& effect, std::deque<pipeline::Event>& events) {
    if (const auto* enqueue = std::get_if<pipeline::EnqueueJob>(&effect)) {
      ready_.push_back(enqueue->job);
    } else if (const auto* schedule = std::get_if<pipeline::ScheduleJob>(&effect)) {
      say(fmt::format("{} would wait {}; here it starts at once", name_of(schedule->job),
                      format_duration(schedule->delay)));
      events.emplace_back(pipeline::JobDue{schedule->job});
    } else if (const auto* retry = std::get_if<pipeline::RetryJob>(&effect)) {
      say(fmt::format("{} failed and is tried again", name_of(retry->job)));
      events.emplace_back(pipeline::JobRetried{retry->job, JobId(next_id_++)});
    } else if (const auto* signal = std::get_if<pipeline::SignalCancel>(&effect)) {
      if (const auto found = running_.find(signal->job); found != running_.end())
        found->second->cancel.request_stop();
    } else if (const auto* changed = std::get_if<pipeline::StatusChanged>(&effect)) {
      change(*changed, events);
    }
  }

  void change(const pipeline::StatusChanged& changed, std::deque<pipeline::Event>& events) {
    const std::string name = name_of(changed.job);
    job_of(name).status = changed.to;
    if (changed.to != JobStatus::kPending) std::erase(ready_, changed.job);
    if (changed.to != JobStatus::kManual) return;
    if (std::ranges::find(settings_.jobs, name) != settings_.jobs.end()) {
      events.emplace_back(pipeline::JobPlayed{changed.job});
    } else {
      say(fmt::format("{0} is manual and was not started (tidegate run {1})", name, shell_quote(name)));
    }
  }

  void start_next() {
    const JobId id = ready_.front();
    ready_.pop_front();
    apply(pipeline::JobPicked{id});
    const std::string name = name_of(id);
    LocalJob& job = job_of(name);
    if (started_stages_.insert(job.stage).second) {
      observed_.tell([&](LocalObserver& o) { o.stage_started(job.stage); });
    }
    pipeline::JobMessage message = message_for(*planned_.at(name), id);
    Executor& executor = executor_for(message);
    job.executor = executor.name();
    ++job.attempts;
    observed_.tell([&](LocalObserver& o) { o.job_started(job); });
    auto running = std::make_unique<Running>();
    sys::StopFlag& stop = running->cancel;
    running->thread = std::jthread(
        [this, id, &executor, &stop, message = std::move(message)] { work(id, message, executor, stop); });
    running_.emplace(id, std::move(running));
  }

  // On a worker's thread; touches nothing of the state.
  void work(JobId id, const pipeline::JobMessage& message, Executor& executor, const sys::StopFlag& stop) {
    const Instant begin = clock_.now();
    TraceLines lines([&](const std::string& section, std::string_view line) {
      observed_.tell([&](LocalObserver& o) { o.job_line(message.name, section, line); });
    });
    LocalJobIo io(copy_, artifacts(), id, [&](std::string_view bytes) { lines.feed(bytes); });
    RunnerSettings runner = settings_.runner;
    runner.work_directory = settings_.work_directory / "jobs";
    Ended ended;
    ended.id = id;
    ended.outcome = run_job(message, runner, executor, io, clock_, stop);
    lines.finish();
    ended.duration = clock_.now() - begin;
    inbox_.put(std::move(ended));
  }

  void finish(const Ended& ended) {
    running_.erase(ended.id);  // joins
    LocalJob& job = job_of(name_of(ended.id));
    job.duration = ended.duration;
    job.failure_reason = ended.outcome.failure_reason;
    job.exit_code = ended.outcome.exit_code;
    job.message = ended.outcome.message;
    const JobOutcome& outcome = ended.outcome;
    if (outcome.success) {
      apply(pipeline::JobSucceeded{ended.id});
    } else {
      apply(pipeline::JobFailed{ended.id, outcome.failure_reason, outcome.exit_code});
    }
    const auto state = std::ranges::find(state_.jobs, ended.id, &pipeline::JobState::id);
    job.allow_failure = state->allow_failure;
    LocalJob told = job;
    told.status = state->status;  // of this attempt, also when the next one is pending already
    observed_.tell([&](LocalObserver& o) { o.job_ended(told); });
  }

  pipeline::JobMessage message_for(const pipeline::PlannedJob& planned, JobId id) const {
    pipeline::JobMessage message = planned.message;
    message.id = id;
    message.pipeline_id = 1;
    if (message.project_path.empty()) message.project_path = "local/" + copy_.root.filename().native();
    const pipeline::JobVariables first{{.key = "CI_PIPELINE_ID", .value = "1"},
                                       {.key = "CI_PIPELINE_IID", .value = "1"},
                                       {.key = "CI_JOB_ID", .value = std::to_string(id.value())}};
    message.variables.insert(message.variables.begin(), first.begin(), first.end());
    message.data.insert(message.data.end(), settings_.data.begin(), settings_.data.end());
    for (pipeline::JobDependency& dependency : message.dependencies) {
      for (const pipeline::JobState& other : state_.jobs) {
        if (other.name != dependency.name || other.retried) continue;
        dependency.id = other.id;
        std::error_code error;
        dependency.has_artifacts = fs::exists(artifact_file(artifacts(), other.id, "archive"), error);
        append_dotenv(artifact_file(artifacts(), other.id, "dotenv"), message.variables);
      }
    }
    return message;
  }

  Executor& executor_for(const pipeline::JobMessage& message) {
    if (settings_.policy == ExecutorPolicy::kShell) return *settings_.shell;
    if (settings_.policy == ExecutorPolicy::kDocker) return *settings_.docker;
    if (!message.image) return *settings_.shell;
    if (settings_.docker != nullptr) return *settings_.docker;
    say(fmt::format("{}: no Docker Engine answers, so it runs on this machine and not in {}", message.name,
                    printable(message.image->name)));
    return *settings_.shell;
  }

  std::string name_of(JobId id) const {
    const auto found = std::ranges::find(state_.jobs, id, &pipeline::JobState::id);
    return found == state_.jobs.end() ? std::string() : found->name;
  }
  LocalJob& job_of(const std::string& name) {
    return *std::ranges::find(result_.jobs, name, &LocalJob::name);
  }
  fs::path artifacts() const { return settings_.work_directory / "artifacts"; }
  void say(const std::string& text) {
    observed_.tell([&](LocalObserver& o) { o.notice(text); });
  }

  const pipeline::Plan& plan_;
  const WorkingCopy& copy_;
  const LocalSettings& settings_;
  Observed observed_;
  const Clock& clock_;
  const sys::StopFlag& cancel_;
  std::set<std::string> selected_;
  std::map<std::string, const pipeline::PlannedJob*> planned_;
  std::set<std::string> started_stages_;
  pipeline::State state_;
  LocalResult result_;
  std::deque<JobId> ready_;
  std::int64_t next_id_ = 1;
  Inbox inbox_;
  std::map<JobId, std::unique_ptr<Running>> running_;  // last: joined before the rest goes
};

}  // namespace

bool LocalResult::good() const {
  return status == JobStatus::kSuccess || status == JobStatus::kSkipped || status == JobStatus::kManual;
}

Result<LocalResult> run_pipeline(const pipeline::Plan& plan, const WorkingCopy& copy,
                                 const LocalSettings& settings, LocalObserver& observer, const Clock& clock,
                                 const sys::StopFlag& cancel) {
  return PipelineRun(plan, copy, settings, observer, clock, cancel).run();
}

}  // namespace tidegate::app
