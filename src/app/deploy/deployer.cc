#include "app/deploy/deployer.h"

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
                                          const sys::StopFlag* stop) {
  const DeployRun::Tools tools{registry_, hosts_, clock_, scratch_, on_progress, stop};
  DeployRequest request;
  request.deployment = deployment;
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

Result<std::vector<ReleaseInfo>> Deployer::releases(const config::Target& target, const sys::StopFlag* stop) {
  TG_CHECK(check_target(target));
  TG_TRY(const auto host, hosts_.connect(target.host, stop));
  TG_TRY(const auto facts, HostSession(*host, target, stop).look(true));
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
      ReleaseInfo info{member,       stored.release, field("commit"), field("digest"), field("data_uri"),
                       stored.state, false};
      info.live = link != facts.links.end() && release::Layout::release_of(link->second) == stored.release;
      if (info.live) info.state = "live";
      infos.push_back(std::move(info));
    }
  }
  return infos;
}

}  // namespace tidegate::app
