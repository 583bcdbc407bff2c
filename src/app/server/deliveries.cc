#include "app/server/deliveries.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/graph/graph_rules.h"
#include "app/server/delivery_words.h"
#include "app/server/family.h"
#include "app/server/lineage_log.h"
#include "base/log.h"
#include "base/sha256.h"

namespace tidegate::app {
namespace {

bool is_probe(const Pipeline& pipeline) {
  return pipeline.source == kProbeSource;
}

// A probe only asks whether jobs pass: what would follow is said and not done.
DeliveryReport nothing_for_probe(std::string_view verb, const std::string& name) {
  return {
      true,
      fmt::format(
          "{} {}: this pipeline looks for the fault of a candidate (TIDEGATE_PROBE); nothing is delivered",
          verb, name)};
}

}  // namespace

std::string Deliveries::lock_name(DeliveryKind kind, const Project& project, const std::string& target) {
  return fmt::format("{}/{}/{}", to_string(kind), project.id.value(), target);
}

// Two servers that deploy to one host must not take each other for themselves.
std::string Deliveries::key_of(const std::string& what) const {
  return ports_.settings.name.empty() ? what : ports_.settings.name + "/" + what;
}

std::shared_ptr<std::mutex> Deliveries::lock_of(const std::string& name) {
  const std::lock_guard guard(mutex_);
  auto& lock = locks_[name];
  if (!lock) lock = std::make_shared<std::mutex>();
  return lock;
}

Result<Deliveries::JobContext> Deliveries::job_context(const std::string& token) {
  return ports_.loop.call([&]() -> Result<JobContext> {
    TG_TRY(const auto job, ports_.store.job_by_token(token));
    if (!job || job->state.status != pipeline::JobStatus::kRunning) {
      return fail(Errc::kDenied, "this job is over, or its token is wrong");
    }
    JobContext out;
    out.job = *job;
    // What a child pipeline delivers is its parent's: that one decides, and takes it back.
    TG_TRY(out.pipeline, head_of(ports_.store, job->pipeline));
    TG_TRY(const auto project, ports_.store.project(job->project));
    if (!project) return fail(Errc::kInternal, "the job's project is gone");
    out.project = *project;
    if (out.pipeline.version && out.pipeline.id != job->pipeline &&
        pipeline::is_completed(out.pipeline.status)) {
      return fail(Errc::kDenied,
                  "the pipeline that tested this candidate is over: give its trigger job "
                  "`strategy: depend`");
    }
    if (out.pipeline.version) {
      TG_TRY(out.version, ports_.store.version(out.pipeline.version));
    }
    TG_TRY(out.quarantined, ports_.store.quarantined(project->id));
    return out;
  });
}

Result<config::ProjectFile> Deliveries::project_file(const Project& project, const std::string& sha) const {
  TG_TRY(const auto repository, ports_.repository(project));
  TG_TRY(const auto text, repository->read_file(sha, "tidegate.yml"));
  if (!text)
    return fail(Errc::kNotFound,
                "commit " + sha.substr(0, 8) + " has no tidegate.yml, which says where releases go");
  return config::load_project_file(*text).file;
}

// Asked on the loop. A job may end while its delivery waits or is made: nobody would take back what went live
// after that.
Status Deliveries::still_runs(JobId id) {
  TG_TRY(const auto job, ports_.store.job(id));
  if (!job || job->state.status != pipeline::JobStatus::kRunning)
    return fail(Errc::kDenied, "this job is over");
  return {};
}

// Stored before anything is touched: after a restart the same job finds its delivery again.
Result<Delivery> Deliveries::begin(const JobContext& context, DeliveryKind kind, const std::string& target,
                                   const std::string& place, const std::string& repository) {
  return ports_.loop.call([&]() -> Result<Delivery> {
    TG_CHECK(still_runs(context.job.state.id));
    Delivery delivery;
    delivery.kind = kind;
    delivery.key = key_of(fmt::format("{}-{}-{}", to_string(kind), context.job.state.id.value(), target));
    TG_TRY(const auto known, ports_.store.delivery_by_key(delivery.key));
    if (known) return *known;
    delivery.project = context.project.id;
    delivery.pipeline = context.pipeline.id;
    delivery.job = context.job.state.id;
    delivery.target = target;
    delivery.place = place;
    delivery.state = kRunning;
    delivery.repository = repository;
    delivery.by = fmt::format("job #{} {}", context.job.state.id.value(), context.job.state.name);
    delivery.created_at = ports_.clock.now();
    TG_TRY(delivery.id, ports_.store.add_delivery(delivery));
    return delivery;
  });
}

Status Deliveries::finish(Delivery delivery, bool quarantine_digest) {
  return ports_.loop.call([&]() -> Status {
    delivery.finished_at = ports_.clock.now();
    return ports_.store.transaction([&]() -> Status {
      TG_CHECK(ports_.store.save_delivery(delivery));
      TG_CHECK(record_delivery(ports_.store, delivery, ports_.clock.now()));
      if (moved_) moved_();
      if (!quarantine_digest || delivery.digest.empty()) return {};
      return ports_.store.quarantine(delivery.project,
                                     {delivery.digest, delivery.message, ports_.clock.now()});
    });
  });
}

// From here on it may be live, whatever becomes of us.
Status Deliveries::goes_live(const Delivery& delivery) {
  return ports_.loop.call([&]() -> Status {
    TG_CHECK(still_runs(delivery.job));
    return ports_.store.save_delivery(delivery);
  });
}

// The request may be sent again; until then people see why it waits.
Error Deliveries::waits(Delivery delivery, Error error) {
  delivery.message = error.message;
  const Status saved = ports_.loop.call([&]() -> Status { return ports_.store.save_delivery(delivery); });
  if (!saved) log::warn("delivery", "{}", saved.error().message);
  return with_context(
      fmt::format("{} {}", delivery.kind == DeliveryKind::kRelease ? "deploy" : "load", delivery.target),
      std::move(error));
}

// A candidate whose base is no longer the branch's head cannot be promoted; nothing is flipped for it. Nor is
// anything before those are decided that go before it.
Status Deliveries::wait_for_turn(const JobContext& context) const {
  if (!context.version) return {};
  TG_TRY(const auto train, ports_.loop.call([&] { return candidates_.train(*context.version); }));
  TG_TRY(const auto repository, ports_.repository(context.project));
  TG_TRY(const auto head, repository->resolve("refs/heads/" + context.version->branch));
  const auto turn = dataset::turn_of(train, context.version->id, head);
  if (turn == dataset::Turn::kNow) return {};
  if (turn == dataset::Turn::kWait) {
    TG_TRY(const std::string before, ports_.loop.call([&] { return candidates_.before(*context.version); }));
    return fail(Errc::kUnavailable, "waits for " + before);
  }
  return fail(
      Errc::kConflict,
      fmt::format("{} has moved from {} to {} since this candidate was made: it will be made again",
                  context.version->branch, context.version->base_sha.substr(0, 8), head.substr(0, 8)));
}

DeployRequest Deliveries::deploy_request(const JobContext& context, const config::Target& target,
                                         const std::string& key) const {
  DeployRequest out;
  out.deployment = key;
  out.target = target;
  out.repository = ports_.image_prefix(context.project) + (target.image.empty() ? "" : "/" + target.image);
  out.commit = context.pipeline.sha;
  out.reference = context.pipeline.sha.substr(0, 8);
  out.repo_url = ports_.settings.external_url + "/" + context.project.path + ".git";
  out.project = context.project.path;
  out.pipeline = context.pipeline.id.value();
  if (context.version) {
    out.data_uri = context.version->uri;
    out.data_version = context.version->object_version;
    out.data_sha256 = context.version->sha256;
  } else {
    // A pipeline without a new version releases code that names data all the same: the first that the job was
    // given.
    if (!context.job.message.data.empty()) {
      out.data_uri = context.job.message.data.front().uri;
      out.data_sha256 = context.job.message.data.front().sha256;
    }
  }
  for (const Quarantined& entry : context.quarantined) out.quarantined.push_back(entry.digest);
  return out;
}

Result<DeliveryReport> Deliveries::deploy(const std::string& job_token, const std::string& name,
                                          const std::function<void(std::string_view)>& say) {
  TG_TRY(const auto context, job_context(job_token));
  if (is_probe(context.pipeline)) return nothing_for_probe("deploy", name);
  if (ports_.deployer == nullptr)
    return fail(
        Errc::kEnvironment,
        "the server has no registry and hosts configured: see registry: and ssh: in its configuration");
  TG_TRY(const auto file, project_file(context.project, context.pipeline.sha));
  const config::Target* target = by_name(file.targets, name);
  if (target == nullptr) return unknown("target", name, file.targets);
  const auto lock = lock_of(lock_name(DeliveryKind::kRelease, context.project, name));
  const std::lock_guard one_at_a_time(*lock);
  TG_CHECK(wait_for_turn(context));
  DeployRequest request = deploy_request(context, *target, "");
  TG_TRY(Delivery delivery,
         begin(context, DeliveryKind::kRelease, name, place_of(*target), request.repository));
  request.deployment = delivery.key;
  request.on_flip = [&](const std::string& release, const std::string& digest) {
    delivery.release = release;
    delivery.digest = digest;
    return goes_live(delivery);
  };
  if (delivery.state == kLive)
    return DeliveryReport{true, "release " + delivery.release + " is live already"};
  if (delivery.state != kRunning) return DeliveryReport{false, delivery.message};
  auto outcome = ports_.deployer->deploy(request, say, &ports_.stop);
  // Another one's lease ends, and one that was lost is told when it is asked for again.
  if (!outcome && outcome.error().code == Errc::kConflict)
    return waits(delivery, fail(Errc::kUnavailable, outcome.error().message));
  if (!outcome) return waits(delivery, outcome.error());
  delivery.digest = outcome->digest;
  delivery.release = outcome->release;
  delivery.previous = outcome->previous;
  delivery.message = outcome->message;
  delivery.state = outcome->live ? kLive : outcome->rolled_back ? kRolledBack : kFailed;
  const bool unhealthy =
      !outcome->live && (outcome->failed_step == "health" || outcome->failed_step == "smoke");
  TG_CHECK(finish(delivery, unhealthy));
  if (outcome->live)
    return DeliveryReport{true, fmt::format("release {} is live ({})", outcome->release, outcome->digest)};
  return DeliveryReport{
      false,
      fmt::format("{}: {}{}", outcome->failed_step, outcome->message,
                  outcome->rolled_back ? "; all members were flipped back to " + outcome->previous : "")};
}

GraphServer Deliveries::server_of(const config::Graph& graph) const {
  GraphServer server = ports_.settings.neo4j;
  if (graph.neo4j != "env" && !graph.neo4j.empty()) server.http_url = graph.neo4j;
  return server;
}

Result<GraphRequest> Deliveries::graph_request(const JobContext& context, const config::Graph& graph) const {
  GraphRequest out;
  out.name = graph.name;
  out.server = server_of(graph);
  out.commit = context.pipeline.sha;
  out.keep = graph.keep;
  out.rules = graph_rules(graph.checks);
  const auto data = std::ranges::find(context.job.message.data, graph.data, &pipeline::JobData::source);
  if (data == context.job.message.data.end()) {
    return fail(Errc::kNotFound, fmt::format("graph {} is loaded from data source \"{}\", and this commit "
                                             "names no object of it that could be read",
                                             graph.name, graph.data));
  }
  if (data->is_set) {
    return fail(Errc::kInvalid,
                fmt::format("graph {} is loaded from one object, and data source \"{}\" gives "
                            "sets of them",
                            graph.name, graph.data));
  }
  out.file = data->file;
  out.sha256 = data->sha256;
  out.data_uri = data->uri;
  if (!graph.golden.empty()) {
    TG_TRY(const auto repository, ports_.repository(context.project));
    TG_TRY(const auto golden, repository->read_file(context.pipeline.sha, graph.golden));
    if (!golden) return fail(Errc::kNotFound, "golden queries " + graph.golden + " are not in this commit");
    out.golden = *golden;
  }
  return out;
}

Result<DeliveryReport> Deliveries::load(const std::string& job_token, const std::string& name,
                                        bool check_only, const std::function<void(std::string_view)>& say) {
  TG_TRY(const auto context, job_context(job_token));
  if (!check_only && is_probe(context.pipeline)) return nothing_for_probe("load", name);
  if (ports_.graphs == nullptr)
    return fail(Errc::kEnvironment,
                "the server has no graph database configured: see neo4j: in its configuration");
  TG_TRY(const auto file, project_file(context.project, context.pipeline.sha));
  const config::Graph* graph = by_name(file.graphs, name);
  if (graph == nullptr) return unknown("graph", name, file.graphs);
  TG_TRY(GraphRequest request, graph_request(context, *graph));
  request.load = fmt::format("{}-{}-{}", to_string(DeliveryKind::kGraph), context.job.state.id.value(), name);
  if (check_only) {
    TG_TRY(const auto checked, ports_.graphs->check(request));
    if (!checked.problems.empty())
      return DeliveryReport{false, "the graph is refused:" + joined(checked.problems)};
    return DeliveryReport{true, fmt::format("the graph is sound: {} nodes, {} edges{}", checked.nodes,
                                            checked.edges, joined(checked.notes))};
  }
  const auto lock = lock_of(lock_name(DeliveryKind::kGraph, context.project, name));
  const std::lock_guard one_at_a_time(*lock);
  TG_CHECK(wait_for_turn(context));
  TG_TRY(Delivery delivery, begin(context, DeliveryKind::kGraph, name, request.server.http_url, ""));
  request.on_swap = [&](const std::string& version, const std::string& previous) {
    delivery.release = version;
    delivery.previous = previous;
    return goes_live(delivery);
  };
  if (delivery.state == kLive)
    return DeliveryReport{true, "graph version " + delivery.release + " is live already"};
  if (delivery.state != kRunning) return DeliveryReport{false, delivery.message};
  auto outcome = ports_.graphs->load(request, say, &ports_.stop);
  if (!outcome) return waits(delivery, outcome.error());
  delivery.release = outcome->version;
  delivery.previous = outcome->previous;
  delivery.state = outcome->live ? kLive : kFailed;
  delivery.message = outcome->live ? fmt::format("{} nodes, {} edges", outcome->nodes, outcome->edges)
                                   : "the graph is refused:" + joined(outcome->problems);
  TG_CHECK(finish(delivery, false));
  if (outcome->live)
    return DeliveryReport{true,
                          fmt::format("graph version {} is live ({})", outcome->version, delivery.message)};
  return DeliveryReport{false, delivery.message};
}

}  // namespace tidegate::app
