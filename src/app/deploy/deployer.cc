#include "app/deploy/deployer.h"

#include <algorithm>

#include <fmt/core.h>

#include "app/deploy/check_request.h"
#include "app/deploy/deploy_run.h"
#include "release/journal_line.h"

namespace tidegate::app {

Deployer::Deployer(ImageRegistry& registry, TargetHosts& hosts, const Clock& clock,
                   std::filesystem::path scratch)
    : registry_(registry), hosts_(hosts), clock_(clock), scratch_(std::move(scratch)) {}

Result<DeployOutcome> Deployer::deploy(const DeployRequest& request, const OnProgress& on_progress,
                                       const sys::StopFlag* stop) {
  const DeployRun::Tools tools{registry_, hosts_, clock_, scratch_, on_progress, stop};
  return DeployRun(tools, request).deploy();
}

Result<DeployOutcome> Deployer::roll_back(const config::Target& target, const std::string& to,
                                          const std::string& deployment, const OnProgress& on_progress,
                                          const sys::StopFlag* stop, const OnFlip& on_flip) {
  const DeployRun::Tools tools{registry_, hosts_, clock_, scratch_, on_progress, stop};
  DeployRequest request;
  request.deployment = deployment;
  request.on_flip = on_flip;
  request.target = target;
  return DeployRun(tools, std::move(request)).roll_back(to);
}

Result<DeployOutcome> Deployer::abandon(const config::Target& target, const std::string& deployment,
                                        const OnProgress& on_progress, const sys::StopFlag* stop) {
  const DeployRun::Tools tools{registry_, hosts_, clock_, scratch_, on_progress, stop};
  DeployRequest request;
  request.deployment = deployment;
  request.target = target;
  return DeployRun(tools, std::move(request)).abandon();
}

namespace {

std::vector<ReleaseInfo> release_infos(const config::Target& target, const std::string& host,
                                       const HostFacts& facts) {
  std::vector<ReleaseInfo> infos;
  for (const auto& member : target.releases) {
    const auto link = facts.links.find(member);
    for (const auto& stored : facts.stored) {
      if (stored.member != member) continue;
      const auto fields = release::parse_line(stored.json).value_or(release::Fields{});
      const auto field = [&](const char* key) {
        const auto it = fields.find(key);
        return it == fields.end() ? std::string() : it->second;
      };
      ReleaseInfo info{
          host,         member, stored.release, field("commit"), field("digest"), field("data_uri"),
          stored.state, false};
      info.live = link != facts.links.end() && release::Layout::release_of(link->second) == stored.release;
      if (info.live) info.state = "live";
      infos.push_back(std::move(info));
    }
  }
  return infos;
}

// What the links say against what the journal says: somebody may have moved one by hand.
Status drifted_links(const config::Target& target, const std::string& host, const HostFacts& facts,
                     std::vector<DriftInfo>& drifts) {
  const auto journal = release::read_journal(facts.journal);
  if (const auto* last = journal.last_attempt(); last != nullptr && !last->is_final())
    return fail(Errc::kConflict, fmt::format("{}: deployment {} is at work", host, last->record.deployment));
  const auto wanted = release::Layout::link_to(journal.lived.empty() ? "" : journal.lived.back());
  for (const auto& member : target.releases) {
    const auto link = facts.links.find(member);
    const auto now = link == facts.links.end() ? "" : link->second;
    if (now != wanted)
      drifts.push_back(
          {host, member, "link", "current", fmt::format("it is '{}', and '{}' was made live", now, wanted)});
  }
  return {};
}

}  // namespace

Result<std::vector<ReleaseInfo>> Deployer::releases(const config::Target& target, const sys::StopFlag* stop) {
  TG_CHECK(check_target(target));
  std::vector<ReleaseInfo> infos;
  for (const auto& url : target.hosts) {
    TG_TRY(const auto host, hosts_.connect(url, stop));
    TG_TRY(const auto facts, HostSession(*host, target, stop).look(true));
    std::ranges::move(release_infos(target, url, facts), std::back_inserter(infos));
  }
  return infos;
}

Result<std::vector<DriftInfo>> Deployer::drift(const config::Target& target, const sys::StopFlag* stop) {
  TG_CHECK(check_target(target));
  std::vector<DriftInfo> drifts;
  for (const auto& url : target.hosts) {
    TG_TRY(const auto host, hosts_.connect(url, stop));
    HostSession session(*host, target, stop);
    TG_TRY(const auto before, session.look(false));
    TG_CHECK(drifted_links(target, url, before, drifts));
    TG_TRY(const auto found, session.drift());
    TG_TRY(const auto after, session.look(false));
    if (after.journal != before.journal) return fail(Errc::kConflict, url + ": a deployment came between");
    for (const auto& one : found) drifts.push_back({url, one.member, one.kind, one.path, one.detail});
  }
  return drifts;
}

}  // namespace tidegate::app
