#include "app/runner/job_release.h"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include "app/runner/beneath.h"
#include "app/runner/job_variables.h"
#include "base/text.h"
#include "sys/unique_fd.h"

namespace tidegate::app {
namespace {

constexpr std::size_t kLongestDescription = 1U << 20U;
constexpr std::size_t kLongestPath = 1024;

/// The text of a file in the project; nothing when there is no such file. Links are not followed: the job
/// chose them.
std::optional<std::string> file_text(const JobContext& job, const std::string& path) {
  if (path.size() > kLongestPath || path.find('\n') != std::string::npos) return std::nullopt;
  auto beneath = Beneath::open(job.project);
  if (!beneath) return std::nullopt;
  const auto folder = beneath->parent_of(path, false);
  if (!folder) return std::nullopt;
  const sys::UniqueFd file(
      ::openat(*folder, Beneath::name_of(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() < kLongestDescription) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  text.resize(std::min(text.size(), kLongestDescription));
  return text;
}

/// What git takes as the name of a tag (git-check-ref-format).
bool is_tag_name(const std::string& name) {
  const bool odd = name.find_first_of(std::string_view(" ~^:?*[\\\x7f\0", 10)) != std::string::npos ||
                   name.find("..") != std::string::npos || name.find("@{") != std::string::npos ||
                   name.find("//") != std::string::npos;
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20) return false;
  return !name.empty() && !odd && name.front() != '/' && name.front() != '-' && name.front() != '.' &&
         name.back() != '/' && name.back() != '.' && !name.ends_with(".lock") && name.size() <= 255;
}

}  // namespace

Result<config::Release> expand_release(const JobContext& job,
                                       const std::map<std::string, std::string>& values) {
  config::Release release = *job.message.release;
  const auto expand = [&](std::string& text) { text = expand_variables(text, values); };
  for (std::string* text : {&release.tag_name, &release.tag_message, &release.name, &release.description,
                            &release.ref, &release.released_at})
    expand(*text);
  for (std::string& milestone : release.milestones) expand(milestone);
  for (config::ReleaseLink& link : release.links)
    for (std::string* text : {&link.name, &link.url, &link.filepath}) expand(*text);
  if (!is_tag_name(release.tag_name)) {
    return fail(Errc::kInvalid, fmt::format("the release's tag_name is \"{}\", which is no name of a tag",
                                            printable(release.tag_name)));
  }
  if (release.name.empty()) release.name = release.tag_name;
  if (auto text = file_text(job, release.description)) release.description = std::move(*text);
  return release;
}

}  // namespace tidegate::app
