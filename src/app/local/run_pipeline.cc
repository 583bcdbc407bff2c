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

#include "app/local/local_io.h"
#include "app/local/trace_lines.h"
#include "app/server/dotenv.h"
#include "app/server/id_token_claims.h"
#include "base/text.h"
#include "pipeline/coverage.h"
#include "pipeline/resource_group.h"
#include "pipeline/variables.h"

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
    TG_TRY(chosen_, choose_jobs(plan_, settings_.choice));
    if (settings_.policy == ExecutorPolicy::kDocker && settings_.docker == nullptr) {
      return fail(Errc::kEnvironment, settings_.no_docker + ", or run on this machine: --shell");
    }
    begin_ = clock_.now();
    make_state();
    state_.on_job_failure = plan_.auto_cancel.on_job_failure;
    observed_.tell([this](LocalObserver& o) { o.jobs_planned(result_.jobs); });
    say_what_runs_outside();
    apply(pipeline::Started{});
    bool told_to_cancel = false;
    while (true) {
      while (running_.size() < std::max<std::size_t>(settings_.parallel, 1) && !ready_.empty()) start_next();
      if (running_.empty()) break;
      for (const Ended& ended : inbox_.wait(kCancelPoll)) finish(ended);
      if (cancel_.stop_requested() && !told_to_cancel) {
        told_to_cancel = true;
        observed_.tell([](LocalObserver& o) {
          o.notice("canceling: after_script still runs; Ctrl-C again ends all at once");
        });
        apply(pipeline::PipelineCanceled{});
      }
    }
    result_.status = state_.status;
    result_.duration = clock_.now() - begin_;
    return result_;
  }

 private:
  void make_state() {
    for (const pipeline::PlannedJob& planned : plan_.jobs) {
      if (!chosen_.jobs.contains(planned.name)) continue;
      const JobId id(next_id_++);
      state_.jobs.push_back(first_state(planned, id));
      place_[id] = planned_.size();
      planned_.push_back(&planned);
      LocalJob job;
      job.name = planned.name;
      job.stage = planned.stage;
      job.allow_failure = planned.allow_failure.value;
      result_.jobs.push_back(std::move(job));
    }
  }

  // Needs outside of what is run are no needs here. Who asks for a job by name wants it to run, whatever the
  // others do.
  pipeline::JobState first_state(const pipeline::PlannedJob& planned, JobId id) const {
    pipeline::JobState state = pipeline::initial_state(planned, id, plan_.stages);
    if (state.needs)
      std::erase_if(*state.needs, [this](const std::string& need) { return !chosen_.jobs.contains(need); });
    if (state.when == config::When::kOnFailure && asked_for(planned.name)) state.when = config::When::kAlways;
    return state;
  }
  bool asked_for(const std::string& name) const { return chosen_.started.contains(name); }

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
      say(fmt::format("{} would wait {}; here it starts at once", job_of(schedule->job).path(),
                      format_duration(schedule->delay)));
      events.emplace_back(pipeline::JobDue{schedule->job});
    } else if (const auto* retry = std::get_if<pipeline::RetryJob>(&effect)) {
      say(fmt::format("{} failed and is tried again", job_of(retry->job).path()));
      const JobId clone(next_id_++);
      place_[clone] = place_.at(retry->job);
      events.emplace_back(pipeline::JobRetried{retry->job, clone});
    } else if (const auto* signal = std::get_if<pipeline::SignalCancel>(&effect)) {
      if (const auto found = running_.find(signal->job); found != running_.end())
        found->second->cancel.request_stop();
    } else if (const auto* request = std::get_if<pipeline::RequestResource>(&effect)) {
      assign_resource(request->job, events);
    } else if (const auto* changed = std::get_if<pipeline::StatusChanged>(&effect)) {
      change(*changed, events);
      if (pipeline::is_completed(changed->to)) assign_resource(changed->job, events);
    }
  }

  void change(const pipeline::StatusChanged& changed, std::deque<pipeline::Event>& events) {
    LocalJob& job = job_of(changed.job);
    job.status = changed.to;
    if (changed.to != JobStatus::kPending) std::erase(ready_, changed.job);
    if (changed.to == JobStatus::kManual && asked_for(job.name)) {
      events.emplace_back(pipeline::JobPlayed{changed.job});
      return;
    }
    if (changed.to == JobStatus::kManual) {
      say(fmt::format("{} is manual and was not started (tidegate run {})", job.path(),
                      shell_quote(job.name)));
    }
    const bool passed_over =
        job.attempts == 0 && (pipeline::is_completed(changed.to) || changed.to == JobStatus::kManual);
    if (passed_over) observed_.tell([&](LocalObserver& o) { o.job_passed_over(job); });
  }

  /// Gives the resource group of this job to whose turn it is, if it is free.
  void assign_resource(JobId id, std::deque<pipeline::Event>& events) {
    const std::string& group = planned_.at(place_.at(id))->resource_group;
    if (group.empty()) return;
    std::vector<pipeline::ResourceUser> users;
    for (const pipeline::JobState& job : state_.jobs) {
      if (!job.retried && job.resource_group == group) users.push_back({PipelineId{1}, job.id, job.status});
    }
    const auto next = pipeline::next_holder(users, pipeline::ProcessMode::kUnordered);
    if (next) events.emplace_back(pipeline::ResourceAssigned{*next});
  }

  void start_next() {
    const JobId id = ready_.front();
    ready_.pop_front();
    apply(pipeline::JobPicked{id});
    LocalJob& job = job_of(id);
    const pipeline::PlannedJob& planned = *planned_.at(place_.at(id));
    pipeline::JobMessage message = message_for(planned, id);
    for (const pipeline::JobElsewhere& other : message.elsewhere) tell_missing(job.path(), other);
    Executor& executor = executor_for(message);
    job.executor = executor.name();
    ++job.attempts;
    observed_.tell([&](LocalObserver& o) { o.job_started(job); });
    auto running = std::make_unique<Running>();
    sys::StopFlag& stop = running->cancel;
    running->thread =
        std::jthread([this, id, path = job.path(), coverage = planned.options.coverage, &executor, &stop,
                      message = std::move(message)] { work(id, path, coverage, message, executor, stop); });
    running_.emplace(id, std::move(running));
  }

  // On a worker's thread; touches nothing of the state.
  void work(JobId id, const std::string& path, const std::string& coverage,
            const pipeline::JobMessage& message, Executor& executor, const sys::StopFlag& stop) {
    const Instant begin = clock_.now();
    TraceLines lines([&](const std::string& section, std::string_view line) {
      observed_.tell([&](LocalObserver& o) { o.job_line(path, section, line); });
    });
    pipeline::CoverageFinder finder(coverage);
    LocalJobIo io(copy_, artifacts(), id, [&](std::string_view bytes) {
      lines.feed(bytes);
      finder.feed(bytes);
    });
    RunnerSettings runner = settings_.runner;
    runner.work_directory = settings_.work_directory / "jobs";
    Ended ended;
    ended.id = id;
    ended.outcome = run_job(message, runner, executor, io, clock_, stop);
    lines.finish();
    ended.outcome.coverage = finder.coverage();
    ended.duration = clock_.now() - begin;
    inbox_.put(std::move(ended));
  }

  void finish(const Ended& ended) {
    running_.erase(ended.id);  // joins
    LocalJob& job = job_of(ended.id);
    job.duration = ended.duration;
    job.failure_reason = ended.outcome.failure_reason;
    job.exit_code = ended.outcome.exit_code;
    job.message = ended.outcome.message;
    job.coverage = ended.outcome.coverage;
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

  pipeline::JobMessage message_for(const pipeline::PlannedJob& planned, JobId id) {
    pipeline::JobMessage message = planned.message;
    message.id = id;
    message.pipeline_id = 1;
    if (message.project_path.empty()) message.project_path = "local/" + copy_.root.filename().native();
    const pipeline::JobVariables first{{.key = "CI_PIPELINE_ID", .value = "1"},
                                       {.key = "CI_PIPELINE_IID", .value = "1"},
                                       {.key = "CI_PIPELINE_CREATED_AT", .value = format_iso8601(begin_)},
                                       {.key = "CI_JOB_STARTED_AT", .value = format_iso8601(clock_.now())},
                                       {.key = "CI_JOB_ID", .value = std::to_string(id.value())}};
    message.variables.insert(message.variables.begin(), first.begin(), first.end());
    message.data.insert(message.data.end(), settings_.data.begin(), settings_.data.end());
    for (pipeline::JobDependency& dependency : message.dependencies) add_dependency(dependency, message);
    add_id_tokens(planned, message);
    return message;
  }

  // Signed with a key that is gone after the run: jobs find a token of the right form, and nobody trusts it.
  void add_id_tokens(const pipeline::PlannedJob& planned, pipeline::JobMessage& message) {
    if (planned.options.id_tokens.empty() || settings_.id_tokens == nullptr) return;
    IdTokenSubject subject;
    subject.issuer = "https://localhost";
    subject.project_path = message.project_path;
    subject.ref = message.git.ref;
    subject.is_tag = message.git.is_tag;
    subject.pipeline_source = "local";
    subject.sha = message.git.sha;
    subject.pipeline = message.pipeline_id;
    subject.job = message.id.value();
    subject.environment = planned.environment;
    subject.now = clock_.now();
    subject.job_timeout = message.timeout;
    const Status signed_all =
        append_id_tokens(*settings_.id_tokens, subject, planned.options.id_tokens, message.variables);
    say(signed_all ? fmt::format("{}: its id tokens are signed with a key of this run, which nobody trusts",
                                 message.name)
                   : fmt::format("{}: {}", message.name, signed_all.error().message));
  }

  void add_dependency(pipeline::JobDependency& dependency, pipeline::JobMessage& message) {
    const bool declared = std::exchange(dependency.has_artifacts, false);
    if (declared && !chosen_.jobs.contains(dependency.name)) {
      say(fmt::format("{} goes without the artifacts of {}, which was not asked for (--needs runs it too)",
                      message.name, dependency.name));
    }
    for (const pipeline::JobState& other : state_.jobs) {
      if (other.name != dependency.name || other.retried) continue;
      dependency.id = other.id;
      std::error_code error;
      dependency.has_artifacts = fs::exists(artifact_file(artifacts(), other.id, "archive"), error);
      pipeline::add_report_variables(message, read_dotenv(artifact_file(artifacts(), other.id, "dotenv")));
    }
  }

  static bool wants_container(const pipeline::JobMessage& message) {
    return message.image.has_value() || !message.services.empty();
  }

  void tell_missing(const std::string& name, const pipeline::JobElsewhere& other) {
    const std::string where = other.project.empty()
                                  ? "pipeline " + printable(other.pipeline)
                                  : printable(other.project) + " (" + printable(other.ref) + ")";
    say(fmt::format("{} wants the artifacts of job \"{}\" of {}: they are not here, and it runs without them",
                    name, printable(other.job), where));
  }

  Executor& executor_for(const pipeline::JobMessage& message) {
    if (settings_.policy == ExecutorPolicy::kShell) return *settings_.shell;
    if (settings_.policy == ExecutorPolicy::kDocker) return *settings_.docker;
    return wants_container(message) && settings_.docker != nullptr ? *settings_.docker : *settings_.shell;
  }
  // Who wrote an image into a job may not want its script on their own machine: said once, before it begins.
  void say_what_runs_outside() {
    if (settings_.policy != ExecutorPolicy::kAuto || settings_.docker != nullptr) return;
    const auto jobs =
        std::ranges::count_if(planned_, [](const auto* job) { return wants_container(job->message); });
    if (jobs == 0) return;
    say(fmt::format(
        "{}. So {} with an image or services {} on this machine, without them; --shell says that this is "
        "meant, --executor docker refuses it",
        settings_.no_docker, jobs == 1 ? "the job" : fmt::format("{} jobs", jobs),
        jobs == 1 ? "runs" : "run"));
  }

  LocalJob& job_of(JobId id) { return result_.jobs[place_.at(id)]; }
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
  ChosenJobs chosen_;
  std::vector<const pipeline::PlannedJob*> planned_;
  std::map<JobId, std::size_t> place_;  // in planned_ and result_.jobs; several attempts of a job share one
  pipeline::State state_;
  LocalResult result_;
  std::deque<JobId> ready_;
  std::int64_t next_id_ = 1;
  Instant begin_{};
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
