#include "adapters/docker/job_images.h"

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::docker {

namespace {

Result<ImageInfo> pull(EngineClient& engine, const pipeline::JobImage& image,
                       const std::vector<pipeline::JobCredentials>& credentials,
                       const app::OnOutput& on_output, const sys::StopFlag& cancel) {
  const ImageName name = parse_image_name(image.name);
  const pipeline::JobCredentials* login = credentials_for(name, credentials);
  if (login != nullptr)
    on_output(fmt::format("Authenticating with credentials for {}\n", printable(login->url)));
  on_output(fmt::format("Pulling docker image {} ...\n", printable(image.name)));
  TG_CHECK(engine.pull(name, image.platform, login, cancel));
  TG_TRY(const auto found, engine.find_image(image.name));
  if (!found)
    return fail(Errc::kNotFound, fmt::format("docker: {} is not there after pulling it", image.name));
  return *found;
}

}  // namespace

Result<ImageInfo> get_image(EngineClient& engine, const pipeline::JobImage& image,
                            const std::vector<pipeline::JobCredentials>& credentials,
                            const app::OnOutput& on_output, const sys::StopFlag& cancel) {
  std::vector<std::string> policies = image.pull_policy;
  if (policies.empty()) policies.emplace_back("if-not-present");
  std::string problems;
  for (const std::string& policy : policies) {
    if (policy != "always" && policy != "if-not-present" && policy != "never") {
      return fail(Errc::kInvalid, fmt::format("pull_policy \"{}\" is none of always, if-not-present, never",
                                              printable(policy)));
    }
    if (policy != "always") {
      TG_TRY(const auto found, engine.find_image(image.name));
      if (found) return *found;
      if (policy == "never") {
        problems +=
            fmt::format("{}the engine does not have it (pull_policy: never)", problems.empty() ? "" : "; ");
        continue;
      }
    }
    Result<ImageInfo> pulled = pull(engine, image, credentials, on_output, cancel);
    if (pulled || pulled.error().code == Errc::kCanceled) return pulled;
    on_output(fmt::format("WARNING: Failed to pull image with policy \"{}\": {}\n", policy,
                          pulled.error().message));
    problems += fmt::format("{}{}", problems.empty() ? "" : "; ", pulled.error().message);
  }
  return fail(Errc::kFailed, fmt::format("failed to get image \"{}\": {}", printable(image.name), problems));
}

}  // namespace tidegate::docker
