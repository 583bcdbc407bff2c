#include "adapters/registry/skopeo.h"

#include <algorithm>
#include <unistd.h>

#include <fmt/core.h>

#include "adapters/registry/blob_cache.h"
#include "adapters/registry/extract.h"
#include "adapters/registry/skopeo_errors.h"
#include "base/sha256.h"
#include "base/text.h"
#include "sys/file.h"

namespace tidegate::registry {
namespace fs = std::filesystem;
namespace {

fs::path temp_root() {
  std::error_code error;
  auto path = fs::temp_directory_path(error);
  return error ? fs::path("/tmp") : path;
}

std::string docker(const image::Reference& reference) {
  return "docker://" + reference.pinned();
}

// Without a policy file skopeo does nothing at all. Where an administrator wrote one it holds; where there is
// none, digests are our policy.
bool has_policy() {
  std::error_code ignored;
  const char* home = ::getenv("HOME");
  return fs::exists("/etc/containers/policy.json", ignored) ||
         (home != nullptr && fs::exists(fs::path(home) / ".config/containers/policy.json", ignored));
}

// A registry's host and port hold no character that JSON would escape (parse_reference).
std::string auth_file(const std::string& registry, const std::string& user, const Secret& password) {
  return fmt::format(R"({{"auths":{{"{}":{{"auth":"{}"}}}}}})", registry,
                     base64_encode(user + ":" + password.reveal()));
}

Result<image::Reference> digest_reference(const std::string& repository, const std::string& digest) {
  if (!image::is_digest(digest))
    return fail(Errc::kInvalid, fmt::format("'{}' is not a SHA-256 digest", printable(digest)));
  TG_TRY(auto reference, image::parse_reference(repository));
  if (!reference.tag.empty() || !reference.digest.empty())
    return fail(Errc::kInvalid, fmt::format("'{}' names more than a repository", printable(repository)));
  reference.digest = digest;
  return reference;
}

Result<image::Reference> tag_reference(const std::string& repository, const std::string& tag) {
  if (!image::is_tag(tag)) return fail(Errc::kInvalid, fmt::format("'{}' cannot be a tag", printable(tag)));
  return image::parse_reference(repository + ":" + tag);
}

// An image of nothing, different from every other, in skopeo's "dir" layout.
Status write_empty_image(const fs::path& directory) {
  const std::string config = fmt::format(
      R"({{"architecture":"{}","os":"linux","author":"{}","rootfs":{{"type":"layers","diff_ids":[]}}}})",
      this_architecture(), random_hex(16));
  const std::string digest = sha256_hex(config);
  const std::string manifest = fmt::format(
      R"({{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"
      R"("config":{{"mediaType":"application/vnd.docker.container.image.v1+json","size":{},"digest":"sha256:{}"}},)"
      R"("layers":[]}})",
      config.size(), digest);
  TG_CHECK(sys::write_file(directory / "version", "Directory Transport Version: 1.1\n"));
  TG_CHECK(sys::write_file(directory / digest, config));
  return sys::write_file(directory / "manifest.json", manifest);
}

}  // namespace

Result<std::string> Skopeo::call(const image::Reference& about, std::vector<std::string> arguments,
                                 const std::vector<std::string>& operands, Millis timeout,
                                 const sys::StopFlag* stop) {
  const bool ours = about.registry == settings_.registry;
  const bool copy = arguments.front() == "copy";
  TG_TRY(const auto secret_dir, sys::TempDirectory::make(temp_root(), "tidegate-registry-"));
  sys::Command command;
  command.timeout = timeout;
  command.argv = {"skopeo"};
  if (!has_policy()) command.argv.emplace_back("--insecure-policy");
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  if (ours && !settings_.user.empty()) {
    const fs::path file = secret_dir.path() / "auth.json";
    TG_CHECK(sys::write_file(file, auth_file(about.registry, settings_.user, settings_.password), 0600));
    command.argv.insert(command.argv.end(), {"--authfile", file});
  }
  const std::vector<std::string> sides =
      copy ? std::vector<std::string>{"--src-", "--dest-"} : std::vector<std::string>{"--"};
  for (const auto& side : sides) {
    if (ours && !settings_.cert_dir.empty())
      command.argv.insert(command.argv.end(), {side + "cert-dir", settings_.cert_dir});
    if (ours && !settings_.tls_verify) command.argv.push_back(side + "tls-verify=false");
  }
  command.argv.insert(command.argv.end(), operands.begin(), operands.end());
  TG_TRY(auto result, sys::run(command, stop));
  if (result.exit.ok()) return std::move(result.out);
  const std::string what = fmt::format("{} {}", arguments.front(), about.pinned());
  if (result.exit.stopped) return fail(Errc::kCanceled, what + ": stopped");
  if (result.exit.timed_out)
    return fail(Errc::kUnavailable, fmt::format("{}: no end after {}", what, format_duration(timeout)));
  return skopeo_error(what, result.err);
}

Result<std::string> Skopeo::raw_manifest(const image::Reference& reference, const sys::StopFlag* stop) {
  TG_TRY(auto raw,
         call(reference, {"inspect", "--raw"}, {docker(reference)}, settings_.request_timeout, stop));
  if (!reference.digest.empty() && "sha256:" + sha256_hex(raw) != reference.digest)
    return fail(Errc::kFailed, fmt::format("{}: the registry sent another manifest than this digest names",
                                           reference.pinned()));
  return raw;
}

// Follows an index to this machine's platform. `digest` gets what the reference itself names.
Result<Manifest> Skopeo::platform_manifest(const image::Reference& reference, const sys::StopFlag* stop,
                                           std::string* digest) {
  TG_TRY(const auto raw, raw_manifest(reference, stop));
  if (digest != nullptr) *digest = "sha256:" + sha256_hex(raw);
  TG_TRY(auto manifest, parse_manifest(raw));
  if (!manifest.is_index()) return manifest;
  image::Reference inner = reference;
  const auto chosen = for_platform(manifest, this_architecture());
  if (!chosen)
    return fail(Errc::kNotFound,
                fmt::format("{} has no image for linux/{}", reference.pinned(), this_architecture()));
  inner.digest = *chosen;
  TG_TRY(const auto inner_raw, raw_manifest(inner, stop));
  TG_TRY(auto image, parse_manifest(inner_raw));
  if (image.is_index()) return fail(Errc::kInvalid, inner.pinned() + ": an index inside an index");
  return image;
}

Result<app::ImageInfo> Skopeo::inspect(const std::string& reference) {
  TG_TRY(const auto parsed, image::parse_reference(reference));
  app::ImageInfo info;
  TG_TRY(const auto manifest, platform_manifest(parsed, nullptr, &info.digest));
  image::Reference pinned = parsed;
  pinned.digest = info.digest;
  TG_TRY(const auto raw, call(pinned, {"inspect", "--config", "--raw"}, {docker(pinned)},
                              settings_.request_timeout, nullptr));
  if ("sha256:" + sha256_hex(raw) != manifest.config.digest)
    return fail(
        Errc::kFailed,
        fmt::format("{}: the registry sent another configuration than its manifest names", pinned.pinned()));
  TG_TRY(auto config, parse_config(raw));
  info.architecture = std::move(config.architecture);
  info.labels = std::move(config.labels);
  if (!parsed.tag.empty()) info.tags.push_back(parsed.tag);
  return info;
}

Status Skopeo::tag(const std::string& repository, const std::string& digest, const std::string& tag) {
  TG_TRY(const auto source, digest_reference(repository, digest));
  TG_TRY(const auto target, tag_reference(repository, tag));
  TG_TRY(const auto copied, call(source, {"copy", "--quiet", "--all", "--preserve-digests"},
                                 {docker(source), docker(target)}, settings_.request_timeout, nullptr));
  TG_TRY(const auto raw, raw_manifest(target, nullptr));
  if (const auto found = "sha256:" + sha256_hex(raw); found != digest)
    return fail(Errc::kConflict, fmt::format("{} names {} and not {}: somebody else moved it",
                                             target.pinned(), found, digest));
  return {};
}

Status Skopeo::untag(const std::string& repository, const std::string& tag) {
  TG_TRY(const auto target, tag_reference(repository, tag));
  if (const auto there = raw_manifest(target, nullptr); !there) {
    if (there.error().code == Errc::kNotFound) return {};
    return there.error();
  }
  TG_TRY(const auto scratch, sys::TempDirectory::make(temp_root(), "tidegate-untag-"));
  TG_CHECK(write_empty_image(scratch.path()));
  TG_TRY(const auto moved,
         call(target, {"copy", "--quiet", "--preserve-digests"},
              {"dir:" + scratch.path().string(), docker(target)}, settings_.request_timeout, nullptr));
  TG_TRY(const auto removed, call(target, {"delete"}, {docker(target)}, settings_.request_timeout, nullptr));
  return {};
}

Status Skopeo::extract(const std::string& repository, const std::string& digest, const std::string& from,
                       const fs::path& to, std::uint64_t max_bytes, const sys::StopFlag* stop) {
  TG_TRY(const auto reference, digest_reference(repository, digest));
  std::error_code error;
  if (!fs::is_empty(to, error) || error)
    return fail(Errc::kInvalid, fmt::format("{} is not an empty folder", printable(to.string())));
  TG_TRY(const auto manifest, platform_manifest(reference, stop, nullptr));
  TG_TRY(const auto cache, BlobCache::open(settings_.cache_dir, stop));
  Status done;
  for (int attempt = 0; attempt < 2; ++attempt) {
    TG_CHECK(fetch_blobs(cache, reference, manifest, from, stop));
    done = extract_layers(cache, manifest, from, to, max_bytes, stop);
    if (done || done.error().code != Errc::kFailed) break;
    // A blob was damaged on our disk and is dropped now: once more, from the registry.
    TG_CHECK(sys::remove_tree(to));
    TG_CHECK(sys::make_directories(to));
  }
  cache.prune(settings_.cache_bytes);
  return done;
}

// Skopeo writes layers under their digests into the shared blob folder and skips those that are there. The
// layout beside it is scratch: what it says about the image is skopeo's translation, ours is the raw
// manifest.
Status Skopeo::fetch_blobs(const BlobCache& cache, const image::Reference& reference,
                           const Manifest& manifest, const std::string& from, const sys::StopFlag* stop) {
  const auto missing = [&](const Blob& layer) {
    return !cache.known_untouched(layer.digest, from) && !cache.use(layer.digest);
  };
  if (std::ranges::none_of(manifest.layers, missing)) return {};
  const std::string layout = (cache.scratch() / "layout").string();
  TG_TRY(const auto copied,
         call(reference,
              {"copy", "--quiet", "--dest-shared-blob-dir", cache.blobs().string(),
               "--dest-oci-accept-uncompressed-layers"},
              {docker(reference), "oci:" + layout + ":pulled"}, settings_.pull_timeout, stop));
  for (const auto& layer : manifest.layers)
    if (missing(layer))
      return fail(Errc::kInvalid, fmt::format("{}: layer {} did not arrive as it is named",
                                              reference.pinned(), layer.digest));
  return {};
}

}  // namespace tidegate::registry
