#include "app/server/server.h"

#include <algorithm>
#include <future>

#include <fmt/core.h>

#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

bool is_project_path(const std::string& path) {
  const auto parts = split(path, '/');
  return parts.size() >= 2 && parts.size() <= 20 && path.size() <= 255 &&
         std::ranges::all_of(parts, [](const std::string& part) {
           return !part.empty() && part.front() != '.' && part.front() != '-' && !part.ends_with(".git") &&
                  std::ranges::all_of(part, [](char c) {
                    return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') ||
                           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                  });
         });
}

template <class T>
Result<T> found(Result<std::optional<T>> maybe, std::string_view what) {
  if (!maybe) return maybe.error();
  if (!*maybe) return fail(Errc::kNotFound, fmt::format("404 {} Not Found", what));
  return std::move(**maybe);
}

}  // namespace

Server::Server(ServerPorts& ports)
    : ports_(ports),
      pipelines_(ports),
      sources_(ports),
      announcements_(ports.loop, ports.store),
      candidates_(ports, sources_),
      deliveries_(ports, candidates_),
      gate_(ports, pipelines_, deliveries_, candidates_, sources_),
      refs_(ports, pipelines_, sources_),
      environments_(ports, pipelines_),
      tracker_(ports, sources_),
      runner_(ports, pipelines_) {
  pipelines_.on_finished([this](const Pipeline& pipeline) { gate_.pipeline_finished(pipeline); });
  pipelines_.on_pending([this] { runner_.wake(); });
  pipelines_.ask_before_start(
      [this](const Pipeline& pipeline, const Job& job) { return candidates_.may_start(pipeline, job); });
  pipelines_.on_cancel([this](JobId job) { runner_.cancel(job); });
  runner_.on_tag([this](const Project& project) { refs_.check(project); });
  refs_.on_branch_gone([this](const Project& project, const std::string& branch) {
    environments_.branch_gone(project, branch);
  });
  sources_.on_version([this](const Version& version) { gate_.landed(version); });
  deliveries_.on_moved([this] { tracker_.soon(); });
  sources_.on_member(
      [this](ProjectId project, const std::string& source) { gate_.member_landed(project, source); });
  gate_.on_promoted([this](const Project& project) { refs_.check(project); });
}

Status Server::start() {
  // Containers and processes of the last process are ended before its jobs are offered again.
  if (Status cleaned = ports_.executor.remove_leftovers({}); !cleaned) {
    log::warn("server", "leftovers of earlier jobs: {}", cleaned.error().message);
  }
  return ports_.loop.call([this]() -> Status {
    TG_TRY(const auto projects, ports_.store.projects());
    for (const Project& project : projects) refs_.clear_locks(project);
    // Versions that wait need to know what tidegate.yml says, so it is on its way first.
    for (const Project& project : projects) sources_.refresh(project);
    TG_CHECK(pipelines_.resume());
    TG_CHECK(gate_.resume());
    TG_CHECK(deliveries_.resume());
    for (const Project& project : projects) refs_.check(project);
    started_ = true;
    deliveries_.watch_drift();
    tracker_.start();
    sweep();
    return {};
  });
}

void Server::stop() {
  runner_.stop();
}

Result<Token> Server::authenticate(const std::string& token) {
  if (token.empty()) return fail(Errc::kDenied, "401 Unauthorized");
  return token_of_hash(sha256_hex(token));
}

Result<Token> Server::token_of_hash(const std::string& sha256) {
  return ports_.loop.call([&]() -> Result<Token> {
    TG_TRY(const auto known, ports_.store.token_by_hash(sha256));
    if (!known) return fail(Errc::kDenied, "401 Unauthorized");
    return *known;
  });
}

Result<Project> Server::project(const std::string& id_or_path) {
  return ports_.loop.call([&] {
    const auto number = parse_integer(id_or_path);
    return found(number ? ports_.store.project(ProjectId{*number}) : ports_.store.project_by_path(id_or_path),
                 "Project");
  });
}

Result<std::vector<Project>> Server::projects() {
  return ports_.loop.call([&] { return ports_.store.projects(); });
}

Result<Project> Server::create_project(const std::string& path, const std::string& default_branch) {
  if (!is_project_path(path)) {
    return fail(Errc::kInvalid, "a project path is group/name, of letters, digits, '-', '_' and '.'");
  }
  TG_TRY(const auto project, ports_.loop.call([&] {
    return ports_.store.add_project(path, default_branch, ports_.clock.now());
  }));
  TG_TRY(const auto repository, ports_.repository(project));
  return project;
}

Status Server::set_variable(ProjectId project, const ProjectVariable& variable) {
  return ports_.loop.call([&] { return ports_.store.set_variable(project, variable); });
}
Status Server::remove_variable(ProjectId project, const std::string& key) {
  return ports_.loop.call([&] { return ports_.store.remove_variable(project, key); });
}
Result<std::vector<ProjectVariable>> Server::variables(ProjectId project) {
  return ports_.loop.call([&] { return ports_.store.variables(project); });
}

void Server::pushed(const Project& project) {
  ports_.loop.post([this, project] { refs_.check(project); });
}

Result<Pipeline> Server::create_pipeline(ProjectId id, const std::string& ref, const std::string& source,
                                         const pipeline::JobVariables& variables,
                                         const config::GivenInputs& inputs) {
  TG_TRY(const auto project, ports_.loop.call([&] { return found(ports_.store.project(id), "Project"); }));
  TG_TRY(const auto repository, ports_.repository(project));
  PipelineRequest request;
  request.project = id;
  request.ref = ref;
  request.source = source;
  request.variables = variables;
  request.inputs = inputs;
  auto sha = repository->resolve("refs/heads/" + ref);
  if (!sha) {
    sha = repository->resolve("refs/tags/" + ref);
    request.is_tag = true;
  }
  if (!sha) return fail(Errc::kInvalid, "Reference not found");
  request.sha = *sha;
  auto promise = std::make_shared<std::promise<Result<Pipeline>>>();
  auto answer = promise->get_future();
  ports_.loop.post([this, request, promise] {
    pipelines_.create(request,
                      [promise](Result<Pipeline> created) { promise->set_value(std::move(created)); });
  });
  return answer.get();
}

Result<Pipeline> Server::pipeline_now(ProjectId project, PipelineId id) {
  TG_TRY(auto record, found(ports_.store.pipeline(id), "Pipeline"));
  if (record.project != project) return fail(Errc::kNotFound, "404 Pipeline Not Found");
  return record;
}
Result<Pipeline> Server::pipeline(ProjectId project, PipelineId id) {
  return ports_.loop.call([&] { return pipeline_now(project, id); });
}
Result<Pipeline> Server::pipeline(PipelineId id) {
  return ports_.loop.call([&] { return found(ports_.store.pipeline(id), "Pipeline"); });
}
Result<std::vector<Job>> Server::jobs(PipelineId pipeline) {
  return ports_.loop.call([&] { return ports_.store.jobs(pipeline); });
}
Result<Job> Server::job_now(ProjectId project, JobId id) {
  TG_TRY(auto record, found(ports_.store.job(id), "Job"));
  if (record.project != project) return fail(Errc::kNotFound, "404 Job Not Found");
  return record;
}
Result<Job> Server::job(ProjectId project, JobId id) {
  return ports_.loop.call([&] { return job_now(project, id); });
}
Result<Job> Server::job_of_token(const std::string& token) {
  return ports_.loop.call([&]() -> Result<Job> {
    TG_TRY(auto job, found(ports_.store.job_by_token(token), "Job"));
    if (job.state.status != pipeline::JobStatus::kRunning) return fail(Errc::kDenied, "this job is over");
    return job;
  });
}
Result<std::vector<Artifact>> Server::artifacts(JobId job) {
  return ports_.loop.call([&] { return ports_.store.artifacts(job); });
}
Result<Pipeline> Server::cancel_pipeline(ProjectId project, PipelineId id) {
  return ports_.loop.call([&]() -> Result<Pipeline> {
    TG_TRY(const auto record, pipeline_now(project, id));
    if (!pipeline::is_completed(record.status)) TG_CHECK(pipelines_.cancel(id));
    return pipeline_now(project, id);
  });
}
Result<Pipeline> Server::retry_pipeline(ProjectId project, PipelineId id) {
  return ports_.loop.call([&]() -> Result<Pipeline> {
    TG_TRY(const auto record, pipeline_now(project, id));
    TG_CHECK(pipelines_.retry(id));
    return pipeline_now(project, id);
  });
}
Result<Job> Server::cancel_job(ProjectId project, JobId id) {
  return ports_.loop.call([&]() -> Result<Job> {
    TG_TRY(const auto record, job_now(project, id));
    TG_CHECK(pipelines_.cancel_job(id));
    return job_now(project, id);
  });
}
Result<Job> Server::retry_job(ProjectId project, JobId id) {
  return ports_.loop.call([&]() -> Result<Job> {
    TG_TRY(const auto record, job_now(project, id));
    TG_TRY(const JobId fresh, pipelines_.retry_job(id));
    return job_now(project, fresh);
  });
}
Result<Job> Server::play_job(ProjectId project, JobId id) {
  return ports_.loop.call([&]() -> Result<Job> {
    TG_TRY(const auto record, job_now(project, id));
    TG_CHECK(pipelines_.play(id));
    return job_now(project, id);
  });
}

Result<std::vector<Version>> Server::versions(ProjectId project, const std::string& source,
                                              std::int64_t limit) {
  return ports_.loop.call([&] { return ports_.store.versions(project, source, limit); });
}
Result<std::vector<EventRecord>> Server::events(ProjectId project, const std::string& source,
                                                VersionId version) {
  return ports_.loop.call([&] { return ports_.store.events(project, source, version, 200); });
}
Result<std::vector<config::DataSource>> Server::sources(ProjectId project) {
  return ports_.loop.call([&]() -> Result<std::vector<config::DataSource>> {
    const config::ProjectFile* file = sources_.file(project);
    return file == nullptr ? std::vector<config::DataSource>{} : file->data;
  });
}
Result<std::vector<Delivery>> Server::history(ProjectId project, const std::string& target,
                                              std::int64_t limit) {
  return ports_.loop.call([&] { return ports_.store.deliveries(project, target, limit); });
}
}  // namespace tidegate::app
