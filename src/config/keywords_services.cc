// The keywords of what a job asks of the server and its runner beside running: cache, release, pages, tokens,
// secrets, hooks, steps, inputs.
#include <array>

#include "config/keywords.h"

namespace tidegate::config {
namespace {

using enum Support;

constexpr std::string_view kFromFile =
    "The store is not asked: put the value into a file called like the variable, in the runner's folder of "
    "secrets.";

constexpr auto kCache = std::to_array<Keyword>({
    {"key"},
    {"paths"},
    {"untracked"},
    {"policy"},
    {"when"},
    {"fallback_keys"},
    {"unprotect"},
});
constexpr auto kCacheKey = std::to_array<Keyword>({{"files"}, {"files_commits"}, {"prefix"}});

constexpr auto kRelease = std::to_array<Keyword>({
    {"tag_name"},
    {"tag_message"},
    {"name"},
    {"description"},
    {"ref"},
    {"milestones"},
    {"released_at"},
    {"assets"},
});
constexpr auto kReleaseAssets = std::to_array<Keyword>({{"links"}});
constexpr auto kReleaseLink = std::to_array<Keyword>({
    {"name"},
    {"url"},
    {"filepath"},
    {"direct_asset_path"},
    {"link_type"},
});

constexpr auto kPages = std::to_array<Keyword>({
    {"publish"},
    {"path_prefix", kWarning, "There is no site, so no part of it."},
    {"expire_in", kWarning, "Use `artifacts:expire_in`."},
});

constexpr auto kIdToken = std::to_array<Keyword>({{"aud"}});

constexpr auto kSecret = std::to_array<Keyword>({
    {"vault", kWarning, kFromFile},
    {"azure_key_vault", kWarning, kFromFile},
    {"gcp_secret_manager", kWarning, kFromFile},
    {"aws_secrets_manager", kWarning, kFromFile},
    {"gitlab_secrets_manager", kWarning, kFromFile},
    {"akeyless", kWarning, kFromFile},
    {"file"},
    {"token"},
});
constexpr auto kVaultSecret = std::to_array<Keyword>({{"engine"}, {"path"}, {"field"}});
constexpr auto kVaultEngine = std::to_array<Keyword>({{"name"}, {"path"}});
constexpr auto kVersionedSecret = std::to_array<Keyword>({{"name"}, {"version"}});
constexpr auto kAwsSecret = std::to_array<Keyword>({
    {"secret_id"},
    {"version_id"},
    {"version_stage"},
    {"region"},
    {"role_arn"},
    {"role_session_name"},
    {"field"},
});
constexpr auto kGitlabSecret = std::to_array<Keyword>({{"name"}, {"source"}});

constexpr auto kHooks = std::to_array<Keyword>({{"pre_get_sources_script"}});

constexpr auto kRunStep = std::to_array<Keyword>({
    {"name"},
    {"script"},
    {"env"},
    {"step", kError, "Write what the step does as `script`."},
    {"func", kError, "Write what the function does as `script`."},
    {"inputs", kError, "Steps from elsewhere are not supported; use `env` with `script`."},
});

constexpr auto kDast = std::to_array<Keyword>({{"site_profile"}, {"scanner_profile"}});

constexpr auto kJobInput =
    std::to_array<Keyword>({{"type"}, {"default"}, {"description"}, {"options"}, {"regex"}});

}  // namespace

Keywords cache_keywords() {
  return kCache;
}
Keywords cache_key_keywords() {
  return kCacheKey;
}
Keywords release_keywords() {
  return kRelease;
}
Keywords release_assets_keywords() {
  return kReleaseAssets;
}
Keywords release_link_keywords() {
  return kReleaseLink;
}
Keywords pages_keywords() {
  return kPages;
}
Keywords id_token_keywords() {
  return kIdToken;
}
Keywords secret_keywords() {
  return kSecret;
}
Keywords vault_secret_keywords() {
  return kVaultSecret;
}
Keywords vault_engine_keywords() {
  return kVaultEngine;
}
Keywords versioned_secret_keywords() {
  return kVersionedSecret;
}
Keywords aws_secret_keywords() {
  return kAwsSecret;
}
Keywords gitlab_secret_keywords() {
  return kGitlabSecret;
}
Keywords hooks_keywords() {
  return kHooks;
}
Keywords run_step_keywords() {
  return kRunStep;
}
Keywords dast_keywords() {
  return kDast;
}
Keywords job_input_keywords() {
  return kJobInput;
}

}  // namespace tidegate::config
