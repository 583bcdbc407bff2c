#include "app/runner/job_secrets.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestSecret = 1U << 20U;

bool is_name(const std::string& key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

// The names of variables and projects come from outside; none of them leads out of the folder.
bool is_inside(const std::string& path) {
  const auto segments = split(path, '/');
  return std::ranges::none_of(segments,
                              [](const auto& part) { return part.empty() || part == "." || part == ".."; });
}

Result<std::string> read_one(const pipeline::JobSecret& secret, const std::string& project,
                             const fs::path& directory) {
  if (!is_name(secret.key))
    return fail(Errc::kInvalid, fmt::format("the secret \"{}\" has no usable name", printable(secret.key)));
  if (directory.empty()) {
    return fail(
        Errc::kNotFound,
        fmt::format("the secret {} is asked of {}, which is not supported here: set a folder of secrets "
                    "for this runner and put its value into a file {}",
                    secret.key, secret.provider, secret.key));
  }
  std::vector<fs::path> places = {directory / secret.key};
  if (is_inside(project)) places.insert(places.begin(), directory / project / secret.key);
  for (const fs::path& place : places) {
    auto text = sys::read_file(place, kLargestSecret);
    if (!text && text.error().code == Errc::kNotFound) continue;
    if (text && text->ends_with('\n')) text->pop_back();
    return text;
  }
  return fail(Errc::kNotFound,
              fmt::format("the secret {} is asked of {}, which is not supported here: put its value into the "
                          "file {}",
                          secret.key, secret.provider, places.front().native()));
}

}  // namespace

Result<pipeline::JobVariables> read_secrets(const pipeline::JobMessage& message,
                                            const RunnerSettings& settings) {
  pipeline::JobVariables out;
  for (const pipeline::JobSecret& secret : message.secrets) {
    if (!message.may_have_secrets) {
      return fail(Errc::kDenied,
                  fmt::format("the secret {} goes to jobs of protected refs only, and {} is none",
                              printable(secret.key), printable(message.git.ref)));
    }
    TG_TRY(std::string value, read_one(secret, message.project_path, settings.secrets_directory));
    out.push_back({.key = secret.key,
                   .value = std::move(value),
                   .is_public = false,
                   .masked = true,
                   .file = secret.file,
                   .raw = true});
  }
  return out;
}

}  // namespace tidegate::app
