#include "app/deploy/check_request.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "base/text.h"
#include "release/release_id.h"

namespace tidegate::app {
namespace {

// OCI image-spec, annotations.md.
constexpr const char* kRevision = "org.opencontainers.image.revision";

Error wrong(const config::Target& target, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("target {}: {}", printable(target.name), why));
}

}  // namespace

Status check_target(const config::Target& target) {
  if (!release::is_target_path(target.path))
    return wrong(target, fmt::format("path '{}' is not an absolute folder of letters, digits and ._+@-",
                                     printable(target.path)));
  if (target.hosts.empty()) return wrong(target, "names no host");
  if (std::set(target.hosts.begin(), target.hosts.end()).size() != target.hosts.size())
    return wrong(target, "hosts: names one twice");
  if (target.releases.empty()) return wrong(target, "releases: names none");
  std::set<std::string> seen;
  for (const auto& member : target.releases) {
    if (!release::is_member_name(member))
      return wrong(target, fmt::format("release '{}' cannot be a folder beside state/ and shared/",
                                       printable(member)));
    if (!seen.insert(member).second) return wrong(target, fmt::format("release '{}' is named twice", member));
  }
  if (!target.env.empty() && !release::is_relative_file(target.env))
    return wrong(target,
                 fmt::format("env '{}' is not a file below the target's path", printable(target.env)));
  if (target.python.empty() || target.python.starts_with('-'))
    return wrong(target, fmt::format("python '{}' is no interpreter", printable(target.python)));
  return {};
}

Status check_image(const DeployRequest& request, const ImageInfo& image) {
  if (std::ranges::find(request.quarantined, image.digest) != request.quarantined.end())
    return fail(Errc::kDenied,
                fmt::format("image {} is quarantined: a release of it was rolled back", image.digest));
  const auto label = image.labels.find(kRevision);
  if (label != image.labels.end() && !label->second.empty() && label->second != request.commit)
    return fail(Errc::kDenied,
                fmt::format("image {}:{} was built from commit {}, not from {}", request.repository,
                            request.reference, printable(label->second), request.commit));
  return {};
}

}  // namespace tidegate::app
