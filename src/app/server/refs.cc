#include "app/server/refs.h"

#include <algorithm>

#include "app/server/stale_locks.h"
#include "base/log.h"

namespace tidegate::app {
namespace {

constexpr Millis kLookAgain{5000};
constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";
constexpr std::string_view kCandidates = "refs/heads/tidegate/";

bool is_of_interest(const std::string& ref) {
  return (ref.starts_with(kHeads) && !ref.starts_with(kCandidates)) || ref.starts_with(kTags);
}

}  // namespace

void Refs::check(const Project& project) {
  if (!checking_.insert(project.id).second) {
    again_.insert(project.id);
    return;
  }
  in_background(
      ports_.workers, ports_.loop,
      [this, project]() -> Result<Listed> {
        TG_TRY(const auto repository, ports_.repository(project));
        return repository->refs();
      },
      [this, project](const Result<Listed>& now) {
        checking_.erase(project.id);
        if (now) {
          compare(project, *now);
        } else {
          log::warn("git", "{}: {}", project.path, now.error().message);
        }
        if (again_.erase(project.id) > 0) check(project);
      });
}

void Refs::clear_locks(const Project& project) {
  in_background(
      ports_.workers, ports_.loop,
      [this, project] { return remove_stale_locks(ports_.repository_path(project), ports_.clock.now()); },
      [this, project](const Result<Millis>& left) {
        if (!left) log::warn("git", "{}: {}", project.path, left.error().message);
        if (left && *left > Millis{0})
          ports_.loop.post_after(*left, [this, project] { clear_locks(project); });
      });
}

void Refs::compare(const Project& project, const Listed& now) {
  const auto known = ports_.store.known_refs(project.id);
  if (!known) return log::error("git", "{}: {}", project.path, known.error().message);
  std::map<std::string, std::string> before(known->begin(), known->end());
  for (const auto& [ref, sha] : now) {
    if (!is_of_interest(ref)) continue;
    const auto old = before.find(ref);
    const std::string old_sha = old == before.end() ? std::string() : old->second;
    if (old != before.end()) before.erase(old);
    if (old_sha != sha) moved(project, ref, old_sha, sha);
  }
  for (const auto& [ref, sha] : before) {
    if (branch_gone_ && ref.starts_with(kHeads)) branch_gone_(project, ref.substr(kHeads.size()));
    if (Status gone = ports_.store.set_known_ref(project.id, ref, ""); !gone)
      log::error("git", "{}", gone.error().message);
  }
}

void Refs::moved(const Project& project, const std::string& ref, const std::string& old_sha,
                 const std::string& new_sha) {
  const auto remember = [this, project, ref, new_sha] {
    if (Status known = ports_.store.set_known_ref(project.id, ref, new_sha); !known)
      log::error("git", "{}", known.error().message);
  };
  if (ref == std::string(kHeads) + project.default_branch) sources_.refresh(project);
  // A promoted candidate has been through its pipeline already.
  if (const auto candidate = ports_.store.version_of_candidate(project.id, new_sha); candidate && *candidate)
    return remember();
  // Another check may come while the pipeline is being made.
  const auto asked = asked_.emplace(project.id, ref, new_sha);
  if (!asked.second) return;
  PipelineRequest request;
  request.project = project.id;
  request.is_tag = ref.starts_with(kTags);
  request.ref = ref.substr(request.is_tag ? kTags.size() : kHeads.size());
  request.sha = new_sha;
  request.before_sha = request.is_tag ? std::string() : old_sha;
  // Noted as seen together with its pipeline: a crash before that asks for the pipeline again, a crash after
  // it does not. A store or disk that fails keeps the push unseen, and a later check tries again.
  request.seen_ref = ref;
  pipelines_.create(std::move(request),
                    [this, project, ref, remember, asked = asked.first](const Result<Pipeline>& created) {
                      asked_.erase(asked);
                      if (created) return;
                      log::info("git", "{} {}: {}", project.path, ref, created.error().message);
                      if (created.error().code == Errc::kInvalid) return remember();
                      ports_.loop.post_after(kLookAgain, [this, project] { check(project); });
                    });
}

}  // namespace tidegate::app
