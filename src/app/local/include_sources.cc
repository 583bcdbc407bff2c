#include "app/local/include_sources.h"

#include <optional>

#include <fmt/core.h>

#include "app/local/git_command.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestFile = 16U << 20U;

std::string short_ref(const std::string& ref) {
  const bool sha = ref.size() == 40 && ref.find_first_not_of("0123456789abcdef") == std::string::npos;
  return sha ? ref.substr(0, 8) : ref;
}

config::Repository as_it_lies(const WorkingCopy& copy, std::string project) {
  config::Sources sources = sources_of(copy);
  config::Repository repository;
  repository.label = project;
  repository.project = std::move(project);
  repository.sha = copy.sha;
  repository.read = std::move(sources.read);
  repository.list = std::move(sources.list);
  return repository;
}

Result<config::Repository> at_ref(const fs::path& directory, const config::ProjectRequest& request) {
  const auto sha =
      run_git(directory, {"rev-parse", "--verify", "--quiet", "--end-of-options", request.ref + "^{commit}"});
  if (!sha)
    return fail(Errc::kNotFound,
                fmt::format("Project `{}` reference `{}` does not exist in {}", printable(request.project),
                            printable(request.ref), directory.native()));
  const std::string commit(trim(*sha));
  config::Repository repository{.project = request.project,
                                .label = fmt::format("{}@{}", request.project, short_ref(request.ref)),
                                .sha = commit,
                                .read = {},
                                .list = {}};
  repository.read = [directory, commit](const std::string& path) -> std::optional<std::string> {
    auto text = run_git(directory, {"cat-file", "blob", fmt::format("{}:./{}", commit, path)});
    return text ? std::optional(*std::move(text)) : std::nullopt;
  };
  repository.list = [directory, commit] {
    std::vector<std::string> paths;
    const auto listed = run_git(directory, {"ls-tree", "-r", "-z", "--name-only", commit});
    for (std::string& path : split(listed.value_or(""), '\0'))
      if (!path.empty()) paths.push_back(std::move(path));
    return paths;
  };
  return repository;
}

/// The folders by project; what a configuration asks of them.
class ProjectFolders {
 public:
  ProjectFolders(const WorkingCopy& copy, std::string own_path, IncludeSettings settings)
      : copy_(copy), own_path_(to_lower(own_path)), settings_(std::move(settings)) {}

  Result<config::Repository> open(const config::ProjectRequest& request) const {
    const auto folder = folder_of(request);
    if (!folder && to_lower(request.project) == own_path_) return open_own(request);
    if (!folder) return missing(request);
    if (!request.ref.empty()) return at_ref(*folder, request);
    TG_TRY(const WorkingCopy there, open_working_copy(*folder));
    return as_it_lies(there, request.project);
  }

  Result<std::vector<std::string>> tags(const config::ProjectRequest& request) const {
    const auto folder = folder_of(request);
    if (!folder && to_lower(request.project) != own_path_) return missing(request);
    TG_TRY(const std::string listed, run_git(folder.value_or(copy_.root), {"tag", "--list"}));
    return split(trim(listed), '\n');
  }

 private:
  Result<config::Repository> open_own(const config::ProjectRequest& request) const {
    const bool here =
        request.ref.empty() || request.ref == copy_.sha || request.ref == copy_.branch || !copy_.git;
    return here ? as_it_lies(copy_, request.project) : at_ref(copy_.root, request);
  }

  std::optional<fs::path> folder_of(const config::ProjectRequest& request) const {
    auto found = settings_.projects.find(fmt::format("{}/{}", request.host, request.project));
    if (found == settings_.projects.end()) found = settings_.projects.find(request.project);
    return found == settings_.projects.end() ? std::nullopt : std::optional(found->second);
  }

  static Error missing(const config::ProjectRequest& request) {
    return fail(Errc::kEnvironment,
                fmt::format("Project `{0}` is not on this machine; --project-dir {0}=DIR names a folder that "
                            "holds it",
                            printable(request.project)));
  }

  WorkingCopy copy_;
  std::string own_path_;
  IncludeSettings settings_;
};

Result<std::string> read_template(const fs::path& folder, const std::string& name) {
  if (folder.empty())
    return fail(Errc::kEnvironment,
                fmt::format("Template `{}`: no templates are here; --templates DIR names a folder of them",
                            printable(name)));
  const fs::path relative = fs::path(name).lexically_normal();
  if (relative.is_absolute() || relative.native().starts_with(".."))
    return fail(Errc::kInvalid, fmt::format("Template `{}` is outside of the folder", printable(name)));
  auto text = sys::read_file(folder / relative, kLargestFile);
  if (!text && text.error().code == Errc::kNotFound)
    return fail(Errc::kNotFound,
                fmt::format("Template file `{}` does not exist in {}", printable(name), folder.native()));
  return text;
}

}  // namespace

Result<std::map<std::string, fs::path>> parse_project_dirs(const std::vector<std::string>& texts) {
  std::map<std::string, fs::path> out;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string path = text.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == text.size() || path.find('/') == std::string::npos)
      return fail(Errc::kInvalid, fmt::format("--project-dir takes GROUP/NAME=DIR, not {}", printable(text)));
    out[path] = text.substr(equals + 1);
  }
  return out;
}

config::Sources include_sources(const WorkingCopy& copy, const std::string& own_path,
                                const IncludeSettings& settings) {
  config::Sources sources = sources_of(copy);
  sources.sha = copy.sha;
  const auto folders = std::make_shared<const ProjectFolders>(copy, own_path, settings);
  sources.project = [folders](const config::ProjectRequest& request) { return folders->open(request); };
  sources.tags = [folders](const config::ProjectRequest& request) { return folders->tags(request); };
  sources.template_file = [folder = settings.templates](const std::string& name) {
    return read_template(folder, name);
  };
  return sources;
}

}  // namespace tidegate::app
