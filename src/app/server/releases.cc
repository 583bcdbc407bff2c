#include "app/server/releases.h"

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {
namespace {

struct Tagged {
  std::string sha;
  bool made = false;
};

Result<Tagged> ensure_tag(ServerPorts& ports, const Project& project, const Job& job,
                          const config::Release& release) {
  TG_TRY(const auto repository, ports.repository(project));
  const std::string ref = "refs/tags/" + release.tag_name;
  if (const auto there = repository->resolve(ref)) return Tagged{*there, false};
  std::string sha = job.message.git.sha;
  if (!release.ref.empty()) {
    auto named = repository->resolve(release.ref);
    if (!named) return with_context("release:ref " + printable(release.ref), named.error());
    sha = std::move(*named);
  }
  std::string target = sha;
  if (!release.tag_message.empty()) {
    NewTag tag{release.tag_name, sha, release.tag_message + "\n", "Tidegate", "tidegate@localhost",
               ports.clock.now()};
    TG_TRY(target, repository->make_tag(tag));
  }
  TG_CHECK(repository->update_ref({ref, "", target}));
  return Tagged{sha, true};
}

}  // namespace

Result<std::string> make_release(ServerPorts& ports, const Project& project, const Job& job,
                                 const config::Release& release,
                                 const std::function<void(const Project&)>& on_tag) {
  TG_TRY(const auto pipeline, ports.loop.call([&] { return ports.store.pipeline(job.pipeline); }));
  if (pipeline && pipeline->version) {
    return fmt::format(
        "Release {} is not made: this pipeline tests a data candidate, and nothing is published "
        "before it is promoted",
        release.tag_name);
  }
  TG_TRY(const Tagged tagged, ensure_tag(ports, project, job, release));
  ReleaseRecord record;
  record.project = project.id;
  record.release = release;
  record.sha = tagged.sha;
  record.job = job.state.id;
  record.created_at = ports.clock.now();
  record.released_at = parse_iso8601(release.released_at).value_or(record.created_at);
  TG_CHECK(ports.loop.call([&] { return ports.store.add_release(record); }));
  if (tagged.made && on_tag) ports.loop.post([on_tag, project] { on_tag(project); });
  return fmt::format("Release {} of {}{}", release.tag_name, tagged.sha.substr(0, 8),
                     tagged.made ? ", with a new tag" : "");
}

}  // namespace tidegate::app
