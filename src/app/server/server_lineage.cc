// Where things came from: the records of a project, found by whatever they name, and their verification.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/core.h>

#include "app/server/server.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

constexpr std::int64_t kPage = 200;
constexpr std::size_t kShortestPrefix = 7;

bool names(const Lineage& lineage, const std::string& what) {
  const auto begins = [&](const std::string& text) {
    return what.size() >= kShortestPrefix && text.starts_with(what);
  };
  if (begins(lineage.commit)) return true;
  if (lineage.pipeline && what == fmt::format("#{}", lineage.pipeline->id.value())) return true;
  if (!lineage.version) return false;
  const Version& v = *lineage.version;
  return what == v.uri || what == v.key || what == fmt::format("{}/{}", v.source, v.number) ||
         begins(v.sha256);
}

// Blocking. Whether what the records of one project name is still there and what it was.
class Evidence {
 public:
  Evidence(const ServerPorts& ports, const Project& project) : ports_(ports), project_(project) {}

  /// What is missing or changed; nothing when all is well.
  std::optional<std::string> fault_of(const lineage::Record& record, LineageCheck& check) {
    if (record.data && !record.data->sha256.empty()) {
      if (auto fault = object(*record.data, check)) return fault;
    }
    if (!record.commit.empty()) {
      if (auto fault = commit(record.commit, check)) return fault;
    }
    if (!record.pipeline) return std::nullopt;
    for (const lineage::JobFact& job : record.pipeline->jobs) {
      if (job.log_sha256.empty()) continue;
      if (auto fault = log(job, check)) return fault;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::string> object(const lineage::Data& data, LineageCheck& check) {
    if (!seen_.insert(data.sha256).second) return std::nullopt;
    ++check.objects;
    std::error_code failed;
    const auto size = std::filesystem::file_size(ports_.object_path(data.sha256), failed);
    if (failed) return fmt::format("object {} of {} is gone", data.sha256, data.uri);
    if (size == static_cast<std::uintmax_t>(data.size)) return std::nullopt;
    return fmt::format("object {} of {} has {} bytes, not {}", data.sha256, data.uri, size, data.size);
  }

  std::optional<std::string> commit(const std::string& sha, LineageCheck& check) {
    if (!seen_.insert(sha).second) return std::nullopt;
    ++check.commits;
    if (!repository_) {
      auto opened = ports_.repository(project_);
      if (!opened) return "the repository: " + opened.error().message;
      repository_ = std::move(*opened);
    }
    const auto found = repository_->commit(sha);
    return found ? std::nullopt : std::optional(fmt::format("commit {}: {}", sha, found.error().message));
  }

  std::optional<std::string> log(const lineage::JobFact& job, LineageCheck& check) {
    ++check.logs;
    const auto digest = sys::sha256_of_file(ports_.log_path(JobId{job.id}));
    if (!digest) return fmt::format("the log of job {} (#{}): {}", job.name, job.id, digest.error().message);
    if (*digest == job.log_sha256) return std::nullopt;
    return fmt::format("the log of job {} (#{}) has been changed", job.name, job.id);
  }

  const ServerPorts& ports_;
  const Project& project_;
  std::unique_ptr<GitRepository> repository_;
  std::set<std::string> seen_;
};

}  // namespace

Result<Lineage> Server::lineage_of(const Project& project, const Pipeline& pipeline) {
  Lineage out;
  out.project = project;
  out.pipeline = pipeline;
  out.commit = pipeline.sha;
  TG_TRY(out.deliveries, ports_.store.deliveries_of(pipeline.id));
  TG_TRY(out.records, ports_.store.lineage_of(project.id, pipeline.id));
  if (!pipeline.version) return out;
  TG_TRY(out.version, ports_.store.version(pipeline.version));
  TG_TRY(out.events, ports_.store.events(project.id, "", pipeline.version, 200));
  return out;
}

// A version that never had a pipeline, or something done by hand.
Result<Lineage> Server::lineage_without_pipeline(const Project& project, const lineage::Entry& entry) {
  Lineage out;
  out.project = project;
  out.records.push_back(entry);
  if (!entry.version) return out;
  TG_TRY(out.version, ports_.store.version(entry.version));
  TG_TRY(out.events, ports_.store.events(project.id, "", entry.version, 200));
  if (out.version) out.commit = out.version->candidate_sha;
  return out;
}

// What is on record, and what is still under way and has no record yet.
Result<std::vector<Lineage>> Server::stored_lineage(ProjectId id, const std::string& what) {
  return ports_.loop.call([&]() -> Result<std::vector<Lineage>> {
    TG_TRY(const auto project, ports_.store.project(id));
    if (!project) return fail(Errc::kNotFound, "404 Project Not Found");
    TG_TRY(const auto entries, ports_.store.lineage_named(id, what));
    std::vector<Lineage> out;
    std::set<PipelineId> told;
    for (const lineage::Entry& entry : entries) {
      if (!entry.pipeline) {
        TG_TRY(auto one, lineage_without_pipeline(*project, entry));
        out.push_back(std::move(one));
      } else if (told.insert(entry.pipeline).second) {
        TG_TRY(const auto pipeline, ports_.store.pipeline(entry.pipeline));
        if (!pipeline) continue;
        TG_TRY(auto one, lineage_of(*project, *pipeline));
        out.push_back(std::move(one));
      }
    }
    TG_TRY(const auto under_way, ports_.store.unsettled_pipelines());
    for (const Pipeline& pipeline : under_way) {
      if (pipeline.project != id || told.contains(pipeline.id)) continue;
      TG_TRY(auto one, lineage_of(*project, pipeline));
      if (names(one, what)) out.push_back(std::move(one));
    }
    std::ranges::reverse(out);  // newest first
    return out;
  });
}

// The release of ours that made a training run: it put its name into the run's tags. Empty: none did.
std::string Server::release_of_run(Tracking& tracking, const Project& project,
                                   const std::string& run_id) const {
  const auto run = tracking.run(run_id);
  return run && is_run_of(*run, project) ? run->tags.at(kReleaseTag) : std::string();
}

// The tracker knows how its runs are; one that does not answer leaves what we have seen of them.
Status Server::add_runs(Lineage& lineage, Tracking* tracking) {
  for (const Delivery& delivery : lineage.deliveries) {
    if (delivery.kind != DeliveryKind::kRelease || delivery.release.empty()) continue;
    TG_TRY(const auto known, ports_.loop.call([&] {
      return ports_.store.training_runs(lineage.project.id, delivery.release);
    }));
    std::map<std::string, TrackedRun> runs;
    for (const TrainingRun& run : known) {
      runs[run.run_id] = {
          .run_id = run.run_id, .experiment_id = run.experiment_id, .start_time = run.seen_at};
    }
    if (tracking != nullptr) {
      auto told = tracking->runs_with_tag(kReleaseTag, delivery.release);
      if (!told) log::warn("lineage", "the experiment tracker: {}", told.error().message);
      for (TrackedRun& run : told.value_or(std::vector<TrackedRun>{})) {
        if (is_run_of(run, lineage.project)) runs[run.run_id] = std::move(run);
      }
    }
    for (auto& [id, run] : runs) lineage.runs.push_back(std::move(run));
  }
  return {};
}

Result<std::vector<Lineage>> Server::lineage(ProjectId id, const std::string& what) {
  TG_TRY(auto out, stored_lineage(id, what));
  const auto tracking = ports_.tracking ? ports_.tracking() : nullptr;
  if (out.empty() && tracking) {
    TG_TRY(const auto project, ports_.loop.call([&] { return ports_.store.project(id); }));
    const std::string release = project ? release_of_run(*tracking, *project, what) : std::string();
    if (!release.empty()) {
      TG_TRY(out, stored_lineage(id, release));
    }
  }
  if (out.empty()) return fail(Errc::kNotFound, "nothing on record for \"" + printable(what) + "\"");
  for (Lineage& one : out) TG_CHECK(add_runs(one, tracking.get()));
  return out;
}

Result<std::vector<lineage::Entry>> Server::lineage_after(ProjectId project, std::int64_t number,
                                                          std::int64_t limit) {
  return ports_.loop.call([&] { return ports_.store.lineage_after(project, number, limit); });
}

Result<LineageCheck> Server::verify_lineage(const Project& project,
                                            const std::optional<lineage::Link>& known) {
  LineageCheck out;
  Evidence evidence(ports_, project);
  const auto breaks = [&](std::int64_t number, std::string why) {
    out.broken = number;
    out.why = std::move(why);
    return out;
  };
  for (;;) {
    TG_TRY(const auto page, lineage_after(project.id, out.head.number, kPage));
    if (page.empty()) break;
    for (const lineage::Entry& entry : page) {
      if (auto why = lineage::broken(out.head, entry)) return breaks(entry.link.number, *std::move(why));
      if (known && known->number == entry.link.number && known->hash != entry.link.hash)
        return breaks(entry.link.number, "it is not the record that was known by this number");
      TG_TRY(const auto record, lineage::read_record(entry.body));
      if (auto fault = evidence.fault_of(record, out)) return breaks(entry.link.number, *std::move(fault));
      out.head = entry.link;
    }
  }
  if (known && known->number > out.head.number)
    return breaks(out.head.number + 1,
                  fmt::format("the chain ends here; record {} was known", known->number));
  return out;
}

}  // namespace tidegate::app
