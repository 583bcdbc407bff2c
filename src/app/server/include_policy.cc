#include "app/server/include_policy.h"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace tidegate::app {
namespace {

constexpr std::uint64_t kLargestTemplate = 2U << 20U;
constexpr std::string_view kTagPrefix = "refs/tags/";

// A repository is used by one worker; what it cannot read is treated as absent, and the compiler reports it.
config::Repository at_commit(std::shared_ptr<GitRepository> repository, std::string sha) {
  config::Repository out;
  out.sha = sha;
  out.read = [repository, sha](const std::string& path) -> std::optional<std::string> {
    auto text = repository->read_file(sha, path);
    return text ? *text : std::nullopt;
  };
  out.list = [repository, sha] { return repository->list_tree(sha).value_or(std::vector<std::string>{}); };
  return out;
}

Result<std::string> commit_of(GitRepository& repository, const std::string& ref) {
  for (const std::string& name : {"refs/heads/" + ref, std::string(kTagPrefix) + ref, ref}) {
    auto sha = repository.resolve(name);
    if (sha) return sha;
  }
  return fail(Errc::kNotFound, "no such ref");
}

class Projects {
 public:
  Projects(const ServerPorts& ports, Project own, std::vector<Project> all)
      : ports_(ports), own_(std::move(own)), all_(std::move(all)) {}

  Result<config::Repository> open(const config::ProjectRequest& request) const {
    TG_TRY(const Project* project, find(request));
    TG_TRY(std::shared_ptr<GitRepository> repository, ports_.repository(*project));
    const std::string ref = request.ref.empty() ? project->default_branch : request.ref;
    const auto sha = commit_of(*repository, ref);
    if (!sha)
      return fail(Errc::kNotFound, fmt::format("Project `{}` reference `{}` does not exist!",
                                               printable(request.project), printable(ref)));
    config::Repository out = at_commit(std::move(repository), *sha);
    out.project = project->path;
    out.label = fmt::format("{}@{}", project->path, ref == *sha ? ref.substr(0, 8) : ref);
    return out;
  }

  Result<std::vector<std::string>> tags(const config::ProjectRequest& request) const {
    TG_TRY(const Project* project, find(request));
    TG_TRY(const auto repository, ports_.repository(*project));
    TG_TRY(const auto refs, repository->refs());
    std::vector<std::string> out;
    for (const auto& [name, sha] : refs)
      if (name.starts_with(kTagPrefix)) out.push_back(name.substr(kTagPrefix.size()));
    return out;
  }

 private:
  // A project that may not be read and one that is not there look alike.
  Result<const Project*> find(const config::ProjectRequest& request) const {
    if (!request.host.empty() && request.host != to_lower(host_of(ports_.settings.external_url)))
      return fail(Errc::kUnavailable,
                  fmt::format("Components of {} cannot be had here, only those of $CI_SERVER_FQDN",
                              printable(request.host)));
    const std::string wanted = to_lower(request.project);
    const auto found =
        std::ranges::find_if(all_, [&](const Project& one) { return to_lower(one.path) == wanted; });
    if (found == all_.end() || !may_include(own_.path, found->path, ports_.settings.include.projects))
      return fail(Errc::kNotFound,
                  fmt::format("Project `{}` not found or access denied!", printable(request.project)));
    return &*found;
  }

  const ServerPorts& ports_;
  Project own_;
  std::vector<Project> all_;
};

Result<std::string> read_server_template(const std::filesystem::path& folder, const std::string& name) {
  if (folder.empty())
    return fail(Errc::kUnavailable,
                fmt::format("Template `{}`: this server has none (include.templates)", printable(name)));
  const std::filesystem::path relative = std::filesystem::path(name).lexically_normal();
  if (relative.is_absolute() || relative.native().starts_with(".."))
    return fail(Errc::kInvalid, fmt::format("Template `{}` is outside of the folder", printable(name)));
  auto text = sys::read_file(folder / relative, kLargestTemplate);
  if (!text && text.error().code == Errc::kNotFound)
    return fail(Errc::kNotFound, fmt::format("Template file `{}` does not exist", printable(name)));
  return text;
}

}  // namespace

bool may_include(std::string_view own, std::string_view other, const std::vector<std::string>& shared) {
  const std::string mine = to_lower(own);
  const std::string theirs = to_lower(other);
  if (mine.substr(0, mine.find('/')) == theirs.substr(0, theirs.find('/'))) return true;
  return std::ranges::any_of(shared, [&](const std::string& one) {
    const std::string pattern = to_lower(one);
    if (pattern.ends_with("/*")) return theirs.starts_with(pattern.substr(0, pattern.size() - 1));
    return theirs == pattern;
  });
}

std::string host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find('/')));
}

config::Sources include_sources(const ServerPorts& ports, const Project& own, std::vector<Project> projects,
                                std::shared_ptr<GitRepository> repository, const std::string& sha) {
  config::Repository here = at_commit(std::move(repository), sha);
  config::Sources out;
  out.sha = sha;
  out.read = std::move(here.read);
  out.list = std::move(here.list);
  const auto others = std::make_shared<const Projects>(ports, own, std::move(projects));
  out.project = [others](const config::ProjectRequest& request) { return others->open(request); };
  out.tags = [others](const config::ProjectRequest& request) { return others->tags(request); };
  out.template_file = [folder = ports.settings.include.templates](const std::string& name) {
    return read_server_template(folder, name);
  };
  if (ports.remote_files && ports.settings.include.remote) {
    const std::shared_ptr<RemoteFiles> files = ports.remote_files();
    out.remote = [files](const std::string& url) { return files->read(url); };
  }
  return out;
}

}  // namespace tidegate::app
