#include "app/server/gate.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/server/lineage_log.h"
#include "base/log.h"
#include "dataset/binding.h"

namespace tidegate::app {
namespace {

std::string candidate_name(const Version& version) {
  return fmt::format("{}-{}", version.source, version.number);
}
std::string candidate_branch(const Version& version) {
  return "refs/heads/tidegate/" + candidate_name(version);
}

// The data's address is bound in a variable of the pipeline only, and the candidate is the branch's head.
bool in_variable(const Version& version) {
  return !version.candidate_sha.empty() && version.candidate_sha == version.base_sha;
}

// The address goes into a trailer, percent-encoded by bound_uri: one line of plain ASCII, whatever the key
// holds.
std::string commit_message(const Version& version) {
  return fmt::format(
      "data: {} version {}\n\nTidegate-Source: {}\nTidegate-Version: {}\nTidegate-Data: "
      "{}\nTidegate-Data-SHA256: {}\n",
      version.source, version.number, version.source, version.number, version.uri, version.sha256);
}

constexpr int kMaxAttempts = 5;

Millis backoff(int failures) {
  return Millis{1000} * std::min(1 << std::min(failures, 6), 60);
}

bool worth_retrying(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kEnvironment || code == Errc::kInternal ||
         code == Errc::kDenied;
}

}  // namespace

Gate::Gate(ServerPorts& ports, Pipelines& pipelines, Deliveries& deliveries, const Sources& sources)
    : ports_(ports),
      waiting_(ports, sources,
               {[this](Version version, VersionState state, std::string reason) {
                  enter(std::move(version), state, std::move(reason));
                },
                [this](const Version& version, const Error& error) { retry_later(version, error); },
                [this](VersionId id) { advance(id); }}),
      pipelines_(pipelines),
      deliveries_(deliveries) {}

Status Gate::resume() {
  TG_TRY(const auto unfinished, ports_.store.unfinished_versions());
  for (const Version& version : unfinished) advance(version.id);
  return {};
}

void Gate::advance(VersionId id) {
  const auto found = ports_.store.version(id);
  if (!found || !*found) return;
  const Version& version = **found;
  if (version.state == VersionState::kWaiting) return waiting_.wait(version);
  // One try of a step at a time: a timer, an event and a restart may all ask for it.
  if (is_final(version.state) || !busy_.insert(id).second) return;
  switch (version.state) {
    case VersionState::kFetching:
      return waiting_.fetch(version);
    case VersionState::kBinding:
      return bind(version);
    case VersionState::kTesting:
      return test(version);
    case VersionState::kPromoting:
      return promote(version);
    case VersionState::kRollingBack:
      return roll_back(version);
    case VersionState::kWaiting:
    case VersionState::kBaseline:
    case VersionState::kLive:
    case VersionState::kRejected:
    case VersionState::kSuperseded:
    case VersionState::kSkipped:
      return;
  }
}

void Gate::enter(Version version, VersionState state, std::string reason) {
  version.state = state;
  version.reason = std::move(reason);
  if (is_final(state)) version.finished_at = ports_.clock.now();
  failures_.erase(version.id);
  busy_.erase(version.id);
  if (Status saved = save_and_record(ports_, version); !saved) return retry_later(version, saved.error());
  log::info("data", "{} v{}: {} ({})", version.source, version.number, to_string(state), version.reason);
  if (is_final(state)) return waiting_.wake(version.project, version.source);
  ports_.loop.post([this, id = version.id] { advance(id); });
}

// The step is made again from what is stored; what people see says why it waits.
void Gate::retry_later(const Version& version, const Error& error) {
  const int failures = ++failures_[version.id];
  busy_.erase(version.id);
  log::warn("data", "{} v{}: {}; trying again", version.source, version.number, error.message);
  if (auto stored = ports_.store.version(version.id); stored && *stored) {
    (*stored)->reason = error.message + "; trying again";
    if (Status saved = ports_.store.save_version(**stored); !saved)
      log::error("data", "{}", saved.error().message);
  }
  ports_.loop.post_after(backoff(failures), [this, id = version.id] { advance(id); });
}

// Blocking. The time of the commit is the version's, so that a repeated try makes the same commit.
Result<Gate::Candidate> Gate::make_candidate(const Version& version, const Project& project) const {
  TG_TRY(const auto repository, ports_.repository(project));
  TG_TRY(const std::string base, repository->resolve("refs/heads/" + version.branch));
  TG_TRY(const auto text, repository->read_file(base, "tidegate.yml"));
  if (!text) return fail(Errc::kInvalid, "tidegate.yml is gone from " + version.branch);
  const auto file = config::load_project_file(*text).file;
  const auto source = std::ranges::find(file.data, version.source, &config::DataSource::name);
  if (source == file.data.end() || source->bind.empty()) {
    return fail(Errc::kInvalid, "tidegate.yml does not say where \"" + version.source + "\" is bound");
  }
  NewCommit commit;
  commit.parent = base;
  for (const config::Binding& place : source->bind) {
    if (!place.variable.empty()) continue;
    TG_TRY(const auto content, repository->read_file(base, place.file));
    const bool is_lock = place.name.empty() && place.marker.empty();
    if (!content && !is_lock)
      return fail(Errc::kInvalid,
                  place.file + ", where the data is to be bound, is not in " + version.branch);
    // A lock file is ours: it is made.
    auto bound = dataset::bind({place.file, place.name, place.marker}, content.value_or(""), version.uri);
    if (!bound) return with_context(place.file, bound.error());
    if (!content || bound->content != *content)
      commit.edits.push_back({place.file, std::move(bound->content)});
  }
  // Its address is in a variable of the pipeline: no commit, the candidate is the head itself.
  if (std::ranges::none_of(source->bind, &std::string::empty, &config::Binding::variable))
    return Candidate{base, base};
  if (commit.edits.empty()) return fail(Errc::kConflict, "the code names this very version already");
  commit.message = commit_message(version);
  commit.author_name = "Tidegate";
  commit.author_email = "tidegate@localhost";
  commit.when = version.created_at;
  TG_TRY(const std::string sha, repository->make_commit(commit));
  const auto move = [&](const std::string& ref) -> Status {
    const auto now = repository->resolve(ref);
    if (now && *now == sha) return {};
    Status moved = repository->update_ref({ref, now ? *now : "", sha});
    // Somebody else moved it between the two calls: the next try sees where it is.
    if (!moved && moved.error().code == Errc::kConflict)
      return fail(Errc::kUnavailable, moved.error().message);
    return moved;
  };
  // The branch is for people and goes when all is decided; the other keeps the commit for lineage.
  TG_CHECK(move("refs/tidegate/candidates/" + candidate_name(version)));
  TG_CHECK(move(candidate_branch(version)));
  return Candidate{base, sha};
}

void Gate::bind(Version version) {
  const auto project = ports_.store.project(version.project);
  if (!project || !*project)
    return retry_later(version, project ? fail(Errc::kInternal, "project is gone") : project.error());
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project] { return make_candidate(version, project); },
      [this, version](Result<Candidate> made) mutable {
        if (!made) {
          if (worth_retrying(made.error().code)) return retry_later(version, made.error());
          return enter(version, VersionState::kRejected, made.error().message);
        }
        version.base_sha = made->base_sha;
        version.candidate_sha = made->sha;
        version.pipeline = PipelineId{};
        ++version.attempt;
        enter(version, VersionState::kTesting,
              in_variable(version)
                  ? fmt::format("candidate {} itself, with the data in a variable", made->sha.substr(0, 8))
                  : fmt::format("candidate {} on {}", made->sha.substr(0, 8), made->base_sha.substr(0, 8)));
      });
}

void Gate::test(Version version) {
  if (version.pipeline) return void(busy_.erase(version.id));  // it runs; pipeline_finished() goes on
  PipelineRequest request;
  request.project = version.project;
  request.ref = version.branch;
  request.sha = version.candidate_sha;
  // Nothing has changed, so there is nothing that `rules: changes` could compare: they let pass.
  if (!in_variable(version)) request.before_sha = version.base_sha;
  request.version = version.id;
  request.variables = {{"TIDEGATE_CANDIDATE", "true"},
                       {"TIDEGATE_SOURCE", version.source},
                       {"TIDEGATE_VERSION", fmt::format("{}", version.number)}};
  pipelines_.create(std::move(request), [this, version](const Result<Pipeline>& created) {
    busy_.erase(version.id);
    if (created) return;
    if (worth_retrying(created.error().code)) return retry_later(version, created.error());
    const auto project = ports_.store.project(version.project);
    if (project && *project) {
      ports_.workers.post([this, version, project = **project] {
        if (Status dropped = drop_candidate(version, project); !dropped)
          log::warn("data", "{}", dropped.error().message);
      });
    }
    enter(version, VersionState::kRejected, created.error().message);
  });
}

void Gate::pipeline_finished(const Pipeline& pipeline) {
  if (!pipeline.version) return settle_plain(pipeline);
  const auto version = ports_.store.version(pipeline.version);
  if (!version || !*version || (*version)->pipeline != pipeline.id) {
    if (Status settled = pipelines_.settle(pipeline.id); !settled)
      log::error("data", "{}", settled.error().message);
    return;
  }
  if ((*version)->state != VersionState::kTesting) return;  // a restart: resume() takes it up
  if (pipeline.status == pipeline::JobStatus::kSuccess) {
    return enter(**version, VersionState::kPromoting, "all jobs passed and the releases are healthy");
  }
  enter(**version, VersionState::kRollingBack, verdict(pipeline));
}

// "job test_train failed: script_failure (exit code 1)": which job, and where its log is.
std::string Gate::verdict(const Pipeline& pipeline) {
  if (!pipeline.yaml_errors.empty())
    return "the pipeline's configuration is refused: " + pipeline.yaml_errors;
  const auto jobs = ports_.store.jobs(pipeline.id);
  if (jobs) {
    for (const Job& job : *jobs) {
      if (job.state.retried || job.state.allow_failure || job.state.status != pipeline::JobStatus::kFailed)
        continue;
      return fmt::format("job {} (#{}) failed: {}{}", job.state.name, job.state.id.value(),
                         job.state.failure_reason,
                         job.state.exit_code ? fmt::format(", exit code {}", *job.state.exit_code) : "");
    }
  }
  return fmt::format("pipeline #{} {}", pipeline.id.value(), pipeline::to_string(pipeline.status));
}

// Blocking. Done before, by a try that was cut short, is success.
Status Gate::move_branch(const Version& version, const Project& project) const {
  TG_TRY(const auto repository, ports_.repository(project));
  const std::string ref = "refs/heads/" + version.branch;
  TG_TRY(const std::string head, repository->resolve(ref));
  if (head == version.candidate_sha) return {};
  if (in_variable(version)) return fail(Errc::kConflict, version.branch + " has moved");
  TG_TRY(const bool contained, repository->is_ancestor(version.candidate_sha, head));
  if (contained) return {};
  return repository->update_ref({ref, version.base_sha, version.candidate_sha});
}

Status Gate::drop_candidate(const Version& version, const Project& project) const {
  TG_TRY(const auto repository, ports_.repository(project));
  const auto now = repository->resolve(candidate_branch(version));
  if (!now) return {};
  return repository->update_ref({candidate_branch(version), *now, ""});
}

void Gate::promote(Version version) {
  const auto project = ports_.store.project(version.project);
  const auto made = ports_.store.deliveries_of(version.pipeline);
  if (!project || !*project || !made)
    return retry_later(version, fail(Errc::kUnavailable, "the store cannot be read"));
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, deliveries = *made]() -> Status {
        TG_CHECK(move_branch(version, project));
        TG_CHECK(deliveries_.move_latest(project, deliveries, version.candidate_sha));
        return drop_candidate(version, project);
      },
      [this, version, project = **project](const Status& moved) { promoted(version, project, moved); });
}

void Gate::promoted(Version version, const Project& project, const Status& moved) {
  if (!moved && moved.error().code == Errc::kConflict) {
    return enter(version, VersionState::kRollingBack,
                 version.branch + " has moved meanwhile: the candidate is made again on the new head");
  }
  if (!moved) return retry_later(version, moved.error());
  if (Status known =
          ports_.store.set_known_ref(project.id, "refs/heads/" + version.branch, version.candidate_sha);
      !known) {
    return retry_later(version, known.error());
  }
  if (Status settled = pipelines_.settle(version.pipeline); !settled)
    return retry_later(version, settled.error());
  enter(version, VersionState::kLive,
        in_variable(version)
            ? fmt::format("{} stays at {}: its data is in a variable; only latest has moved", version.branch,
                          version.candidate_sha.substr(0, 8))
            : fmt::format("{} was fast-forwarded to {}", version.branch, version.candidate_sha.substr(0, 8)));
  if (on_promoted_) on_promoted_(project);
}

void Gate::roll_back(Version version) {
  const auto project = ports_.store.project(version.project);
  const auto pipeline = ports_.store.pipeline(version.pipeline);
  const auto made = ports_.store.deliveries_of(version.pipeline);
  if (!project || !*project || !pipeline || !*pipeline || !made) {
    return retry_later(version, fail(Errc::kUnavailable, "the store cannot be read"));
  }
  in_background(
      ports_.workers, ports_.loop,
      [this, version, project = **project, deliveries = *made]() -> Result<bool> {
        TG_CHECK(deliveries_.take_back(project, deliveries, version.candidate_sha));
        TG_CHECK(drop_candidate(version, project));
        return is_stale(version, project);
      },
      [this, version, pipeline = **pipeline](const Result<bool>& stale) {
        taken_back(version, pipeline, stale);
      });
}

Result<bool> Gate::is_stale(const Version& version, const Project& project) const {
  TG_TRY(const auto repository, ports_.repository(project));
  TG_TRY(const std::string head, repository->resolve("refs/heads/" + version.branch));
  return head != version.base_sha;
}

void Gate::taken_back(Version version, const Pipeline& pipeline, const Result<bool>& stale) {
  if (!stale) return retry_later(version, stale.error());
  if (Status settled = pipelines_.settle(pipeline.id); !settled) return retry_later(version, settled.error());
  const bool canceled = pipeline.status == pipeline::JobStatus::kCanceled;
  // When the branch has moved, what failed may be the old code's fault: the candidate is made again on the
  // new head and goes through the gate again.
  if (*stale && !canceled && version.attempt < kMaxAttempts) {
    return enter(version, VersionState::kBinding,
                 version.branch + " has moved: making the candidate again on its new head");
  }
  enter(version, VersionState::kRejected, verdict(pipeline));
}

// A pipeline without new data: its branch has moved already; `latest` follows, or what it released is taken
// back.
void Gate::settle_plain(const Pipeline& pipeline) {
  const auto project = ports_.store.project(pipeline.project);
  const auto made = ports_.store.deliveries_of(pipeline.id);
  if (!project || !*project || !made) return;
  const bool good = pipeline.status == pipeline::JobStatus::kSuccess;
  const bool leads = !pipeline.is_tag && pipeline.ref == (*project)->default_branch;
  in_background(
      ports_.workers, ports_.loop,
      [this, pipeline, project = **project, deliveries = *made, good, leads]() -> Status {
        if (!good) return deliveries_.take_back(project, deliveries, pipeline.sha);
        return leads ? deliveries_.move_latest(project, deliveries, pipeline.sha) : Status{};
      },
      [this, pipeline](const Status& status) {
        if (!status) {
          log::warn("pipeline", "#{}: {}; trying again", pipeline.id.value(), status.error().message);
          ports_.loop.post_after(Millis{5000}, [this, pipeline] { settle_plain(pipeline); });
        } else if (Status settled = pipelines_.settle(pipeline.id); !settled) {
          log::error("pipeline", "{}", settled.error().message);
        }
      });
}

}  // namespace tidegate::app
