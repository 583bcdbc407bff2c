#include "app/local/run_pipeline.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include <fmt/core.h>

#include "app/local/ended_jobs.h"
#include "app/local/job_copies.h"
#include "app/local/local_family.h"
#include "app/local/local_id_tokens.h"
#include "app/local/local_io.h"
#include "app/local/trace_lines.h"
#include "base/text.h"
#include "pipeline/child.h"
#include "pipeline/coverage.h"

namespace tidegate::app {

namespace fs = std::filesystem;
using pipeline::JobStatus;

namespace {

constexpr Millis kCancelPoll{100};

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
  PipelineRun(const WorkingCopy& copy, const LocalSettings& settings, LocalObserver& observer,
              const Clock& clock, const sys::StopFlag& cancel)
      : copy_(copy),
        settings_(settings),
        observed_(observer),
        clock_(clock),
        cancel_(cancel),
        copies_(copy, settings.work_directory / "history"),
        family_(settings.work_directory / "artifacts") {}

  Result<LocalResult> run(const pipeline::Plan& plan) {
    TG_TRY(auto chosen, choose_jobs(plan, settings_.choice));
    if (settings_.policy == ExecutorPolicy::kDocker && settings_.docker == nullptr) {
      return fail(Errc::kEnvironment, settings_.no_docker + ", or run on this machine: --shell");
    }
    const Instant begin = clock_.now();
    LocalPipeline& root = family_.add_root(plan, std::move(chosen), settings_.context, begin);
    this->begin(root);
    send(root, pipeline::Started{});
    bool told_to_cancel = false;
    while (true) {
      while (running_.size() < std::max<std::size_t>(settings_.parallel, 1) && !ready_.empty()) start_next();
      if (running_.empty()) break;
      for (const EndedJob& ended : ended_.wait(kCancelPoll)) finish(ended);
      if (cancel_.stop_requested() && !std::exchange(told_to_cancel, true)) cancel_all();
    }
    LocalResult result;
    result.status = root.state.status;
    result.jobs = family_.jobs();
    result.duration = clock_.now() - begin;
    return result;
  }

 private:
  struct Sent {
    LocalPipeline* to;
    pipeline::Event event;
  };

  void begin(const LocalPipeline& pipeline) {
    observed_.tell([&](LocalObserver& o) { o.jobs_planned(family_.jobs_of(pipeline)); });
    say_what_runs_outside(pipeline);
  }

  void cancel_all() {
    say("canceling: after_script still runs; Ctrl-C again ends all at once");
    for (LocalPipeline& pipeline : family_.pipelines()) send(pipeline, pipeline::PipelineCanceled{});
  }

  // One event may lead to others, also of the pipelines above and below.
  void send(LocalPipeline& to, const pipeline::Event& event) {
    const bool busy = !events_.empty();
    events_.push_back({&to, event});
    if (busy) return;  // whoever is in the loop below takes it
    while (!events_.empty()) {
      const Sent next = events_.front();
      const JobStatus before = next.to->state.status;
      for (const pipeline::Effect& effect : pipeline::apply(next.to->state, next.event))
        perform(*next.to, effect);
      tell_parent(*next.to, before);
      events_.pop_front();
    }
  }

  void tell_parent(const LocalPipeline& child, JobStatus before) {
    const JobStatus now = child.state.status;
    if (child.parent == nullptr || now == before) return;
    send(*child.parent, pipeline::BridgeMoved{child.bridge, now, pipeline::is_completed(before)});
  }

  void perform(LocalPipeline& in, const pipeline::Effect& effect) {
    if (const auto* enqueue = std::get_if<pipeline::EnqueueJob>(&effect)) {
      ready_.push_back(enqueue->job);
    } else if (const auto* bridge = std::get_if<pipeline::StartBridge>(&effect)) {
      start_bridge(in, bridge->job);
    } else if (const auto* schedule = std::get_if<pipeline::ScheduleJob>(&effect)) {
      say(fmt::format("{} would wait {}; here it starts at once", family_.job(schedule->job).path(),
                      format_duration(schedule->delay)));
      send(in, pipeline::JobDue{schedule->job});
    } else if (const auto* retry = std::get_if<pipeline::RetryJob>(&effect)) {
      say(fmt::format("{} failed and is tried again", family_.job(retry->job).path()));
      send(in, pipeline::JobRetried{retry->job, family_.again(retry->job)});
    } else if (const auto* signal = std::get_if<pipeline::SignalCancel>(&effect)) {
      cancel_job(signal->job);
    } else if (const auto* request = std::get_if<pipeline::RequestResource>(&effect)) {
      assign_resource(request->job);
    } else if (const auto* changed = std::get_if<pipeline::StatusChanged>(&effect)) {
      change(in, *changed);
      if (pipeline::is_completed(changed->to)) assign_resource(changed->job);
    }
  }

  void cancel_job(JobId job) {
    if (const auto found = running_.find(job); found != running_.end()) found->second->cancel.request_stop();
    if (LocalPipeline* child = family_.started_by(job)) send(*child, pipeline::PipelineCanceled{});
  }

  void change(LocalPipeline& in, const pipeline::StatusChanged& changed) {
    LocalJob& job = family_.job(changed.job);
    job.status = changed.to;
    if (changed.to != JobStatus::kPending) std::erase(ready_, changed.job);
    const bool is_bridge = family_.planned(changed.job).bridge.has_value();
    if (is_bridge && job.attempts > 0) return end_bridge(job);
    if (changed.to == JobStatus::kManual && in.chosen.started.contains(job.name)) {
      send(in, pipeline::JobPlayed{changed.job});
      return;
    }
    if (changed.to == JobStatus::kManual) {
      const std::string how =
          in.parent == nullptr ? fmt::format(" (tidegate run {})", shell_quote(job.name)) : "";
      say(fmt::format("{} is manual and was not started{}", job.path(), how));
    }
    const bool passed_over =
        job.attempts == 0 && (pipeline::is_completed(changed.to) || changed.to == JobStatus::kManual);
    if (passed_over) observed_.tell([&](LocalObserver& o) { o.job_passed_over(job); });
  }

  /// Gives the resource group of this job to whose turn it is, if it is free.
  void assign_resource(JobId id) {
    const auto next = family_.next_holder(family_.planned(id).resource_group);
    if (next) send(family_.pipeline_of(*next), pipeline::ResourceAssigned{*next});
  }

  // --- bridges

  void start_bridge(LocalPipeline& in, JobId id) {
    LocalJob& job = family_.job(id);
    const pipeline::Bridge& bridge = *family_.planned(id).bridge;
    job.executor = "pipeline";
    ++job.attempts;
    bridges_since_[job.path()] = clock_.now();
    observed_.tell([&](LocalObserver& o) { o.job_started(job); });
    if (bridge.kind != pipeline::BridgeKind::kChild) {
      say(fmt::format("{}: the pipeline of {} belongs to a server; here it counts as passed", job.path(),
                      printable(bridge.project)));
      send(in, pipeline::BridgeLinked{id});
      send(in, pipeline::BridgeMoved{id, JobStatus::kSuccess});
      return;
    }
    auto made = make_child(in, id);
    if (!made) {
      job.message = made.error().message;
      job.failure_reason = made.error().code == Errc::kDenied ? "reached_max_descendant_pipelines_depth"
                                                              : "downstream_pipeline_creation_failed";
      send(in, pipeline::JobFailed{id, job.failure_reason, {}});
      return;
    }
    send(in, pipeline::BridgeLinked{id});
    begin(**made);
    send(**made, pipeline::Started{});
  }

  /// kDenied: too deep; otherwise why there is no such pipeline.
  Result<LocalPipeline*> make_child(LocalPipeline& in, JobId id) {
    if (in.depth >= pipeline::kMaxChildDepth)
      return fail(Errc::kDenied, fmt::format("child pipelines may be {} deep", pipeline::kMaxChildDepth));
    if (family_.pipelines().size() >= pipeline::kMaxFamily)
      return fail(Errc::kInvalid, fmt::format("a run may have {} pipelines", pipeline::kMaxFamily));
    const pipeline::Bridge& bridge = *family_.planned(id).bridge;
    TG_TRY(const auto own, family_.message(id));
    auto to = pipeline::downstream_of(bridge, own.message.variables, own.reported, in.context.pipeline);
    pipeline::Context context = pipeline::child_context(in.context, std::move(to.variables));
    config::Sources sources = settings_.sources;
    sources.artifact = [&](const std::string& job, const std::string& path) {
      return family_.artifact(in, job, path);
    };
    pipeline::Plan plan = pipeline::plan_child(bridge, context, sources);
    for (const config::Diagnostic& found : plan.diagnostics) {
      const bool error = found.severity == config::Severity::kError;
      say(fmt::format("{}:{}: {}: {}", found.place.file, found.place.line, error ? "error" : "warning",
                      found.message));
    }
    if (!plan.created) return fail(Errc::kInvalid, pipeline::refusal_of(plan));
    return &family_.add_child(in, id, std::move(plan), std::move(context), clock_.now());
  }

  void end_bridge(LocalJob& job) {
    if (!pipeline::is_completed(job.status)) return;
    job.duration = clock_.now() - bridges_since_[job.path()];
    if (job.status == JobStatus::kFailed && job.message.empty()) job.message = "its pipeline did not pass";
    observed_.tell([&](LocalObserver& o) { o.job_ended(job); });
  }

  // --- jobs

  void start_next() {
    const JobId id = ready_.front();
    ready_.pop_front();
    LocalPipeline& in = family_.pipeline_of(id);
    send(in, pipeline::JobPicked{id});
    LocalJob& job = family_.job(id);
    auto message = message_for(id);
    ++job.attempts;
    if (!message) return give_up(in, id, message.error());
    Executor& executor = executor_for(*message);
    job.executor = executor.name();
    observed_.tell([&](LocalObserver& o) { o.job_started(job); });
    auto running = std::make_unique<Running>();
    sys::StopFlag& stop = running->cancel;
    running->thread = std::jthread(
        [this, id, path = job.path(), coverage = family_.planned(id).options.coverage, &executor, &stop,
         message = std::move(*message)] { work(id, path, coverage, message, executor, stop); });
    running_.emplace(id, std::move(running));
  }

  void give_up(LocalPipeline& in, JobId id, const Error& error) {
    LocalJob& job = family_.job(id);
    job.message = error.message;
    job.failure_reason = "missing_dependency_failure";
    job.executor = "none";
    observed_.tell([&](LocalObserver& o) { o.job_started(job); });
    send(in, pipeline::JobFailed{id, job.failure_reason, {}});
    observed_.tell([&](LocalObserver& o) { o.job_ended(job); });
  }

  // On a worker's thread; touches nothing of the state.
  void work(JobId id, const std::string& path, const std::string& coverage,
            const pipeline::JobMessage& message, Executor& executor, const sys::StopFlag& stop) {
    const Instant begin = clock_.now();
    TraceLines lines([&](const std::string& section, std::string_view line) {
      observed_.tell([&](LocalObserver& o) { o.job_line(path, section, line); });
    });
    pipeline::CoverageFinder finder(coverage);
    LocalJobIo io(copies_, settings_.work_directory / "artifacts", id, [&](std::string_view bytes) {
      lines.feed(bytes);
      finder.feed(bytes);
    });
    RunnerSettings runner = settings_.runner;
    runner.work_directory = settings_.work_directory / "jobs";
    EndedJob ended;
    ended.id = id;
    ended.outcome = run_job(message, runner, executor, io, clock_, stop);
    lines.finish();
    ended.outcome.coverage = finder.coverage();
    ended.duration = clock_.now() - begin;
    ended_.put(std::move(ended));
  }

  void finish(const EndedJob& ended) {
    running_.erase(ended.id);  // joins
    LocalJob& job = family_.job(ended.id);
    job.duration = ended.duration;
    job.failure_reason = ended.outcome.failure_reason;
    job.exit_code = ended.outcome.exit_code;
    job.message = ended.outcome.message;
    job.coverage = ended.outcome.coverage;
    const JobOutcome& outcome = ended.outcome;
    LocalPipeline& in = family_.pipeline_of(ended.id);
    if (outcome.success) {
      send(in, pipeline::JobSucceeded{ended.id});
    } else {
      send(in, pipeline::JobFailed{ended.id, outcome.failure_reason, outcome.exit_code});
    }
    const pipeline::JobState& state = family_.state(ended.id);
    job.allow_failure = state.allow_failure;
    LocalJob told = job;
    told.status = state.status;  // of this attempt, also when the next one is pending already
    observed_.tell([&](LocalObserver& o) { o.job_ended(told); });
  }

  Result<pipeline::JobMessage> message_for(JobId id) {
    TG_TRY(auto complete, family_.message(id));
    pipeline::JobMessage& message = complete.message;
    if (message.project_path.empty()) message.project_path = "local/" + copy_.root.filename().native();
    message.variables.insert(message.variables.begin(),
                             {.key = "CI_JOB_STARTED_AT", .value = format_iso8601(clock_.now())});
    message.data.insert(message.data.end(), settings_.data.begin(), settings_.data.end());
    const std::string told = add_id_tokens(settings_.id_tokens, family_.planned(id), clock_.now(), message);
    if (!told.empty()) say(told);
    for (const std::string& words : complete.missing) say(words);
    return std::move(message);
  }

  static bool wants_container(const pipeline::JobMessage& message) {
    return message.image.has_value() || !message.services.empty();
  }

  Executor& executor_for(const pipeline::JobMessage& message) {
    if (settings_.policy == ExecutorPolicy::kShell) return *settings_.shell;
    if (settings_.policy == ExecutorPolicy::kDocker) return *settings_.docker;
    return wants_container(message) && settings_.docker != nullptr ? *settings_.docker : *settings_.shell;
  }
  // Who wrote an image into a job may not want its script on their own machine: said once, before it begins.
  void say_what_runs_outside(const LocalPipeline& pipeline) {
    if (settings_.policy != ExecutorPolicy::kAuto || settings_.docker != nullptr) return;
    const auto jobs = std::ranges::count_if(pipeline.plan->jobs, [&](const pipeline::PlannedJob& job) {
      return pipeline.chosen.jobs.contains(job.name) && wants_container(job.message);
    });
    if (jobs == 0 || std::exchange(told_of_docker_, true)) return;
    say(fmt::format(
        "{}. So {} with an image or services {} on this machine, without them; --shell says that this is "
        "meant, --executor docker refuses it",
        settings_.no_docker, jobs == 1 ? "the job" : fmt::format("{} jobs", jobs),
        jobs == 1 ? "runs" : "run"));
  }

  void say(const std::string& text) {
    observed_.tell([&](LocalObserver& o) { o.notice(text); });
  }

  const WorkingCopy& copy_;
  const LocalSettings& settings_;
  Observed observed_;
  const Clock& clock_;
  const sys::StopFlag& cancel_;
  JobCopies copies_;
  LocalFamily family_;
  std::deque<Sent> events_;
  std::deque<JobId> ready_;
  std::map<std::string, Instant> bridges_since_;  // by path
  bool told_of_docker_ = false;
  EndedJobs ended_;
  std::map<JobId, std::unique_ptr<Running>> running_;  // last: joined before the rest goes
};

}  // namespace

bool LocalResult::good() const {
  return status == JobStatus::kSuccess || status == JobStatus::kSkipped || status == JobStatus::kManual;
}

Result<LocalResult> run_pipeline(const pipeline::Plan& plan, const WorkingCopy& copy,
                                 const LocalSettings& settings, LocalObserver& observer, const Clock& clock,
                                 const sys::StopFlag& cancel) {
  return PipelineRun(copy, settings, observer, clock, cancel).run(plan);
}

}  // namespace tidegate::app
