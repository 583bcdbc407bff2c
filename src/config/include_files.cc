#include "config/include_files.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/text.h"
#include "config/component.h"

namespace tidegate::config {
namespace {

std::string without_leading_slashes(std::string path) {
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  return path;
}

bool has_yaml_extension(std::string_view path) {
  const std::string name = to_lower(path.substr(path.rfind('/') + 1));
  return (name.ends_with(".yml") && name.size() > 4) || (name.ends_with(".yaml") && name.size() > 5);
}

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string name_in(const Repository& repository, const std::string& path) {
  return repository.label.empty() ? path : fmt::format("{}:{}", repository.label, path);
}

yaml::NodePtr text_value(std::string text) {
  return yaml::make_scalar(yaml::Kind::kString, std::move(text), {});
}

InputValues component_values(const ComponentAddress& address, const Repository& repository,
                             const std::string& version) {
  return {{"name", text_value(address.name)},
          {"sha", text_value(repository.sha)},
          {"version",
           is_semantic_version(version) ? text_value(version) : yaml::make_scalar(yaml::Kind::kNull, "", {})},
          {"reference", text_value(address.version)}};
}

}  // namespace

IncludeFiles::IncludeFiles(const Sources& sources, Findings& out)
    : sources_(sources),
      out_(out),
      own_(std::make_shared<const Repository>(Repository{
          .project = {}, .label = {}, .sha = sources.sha, .read = sources.read, .list = sources.list})) {}

const IncludeScope& IncludeFiles::scope_of(const FilePlace& place) const {
  return place.outside && sources_.scope.outside ? *sources_.scope.outside : sources_.scope;
}

IncludeFiles::Files IncludeFiles::refuse(std::string code, const IncludeItem& item, std::string message,
                                         std::string hint) {
  out_.error(std::move(code), item.mark, masked(std::move(message)), std::move(hint));
  out_.set_incomplete();
  return {};
}

IncludedFile IncludeFiles::file_of(std::string name, std::shared_ptr<const Repository> repository,
                                   std::string text) const {
  return {.key = name,
          .place = {.name = masked(std::move(name)), .repository = std::move(repository), .outside = false},
          .text = std::move(text),
          .component = {}};
}

IncludeFiles::Files IncludeFiles::refuse(const IncludeItem& item, const Error& error) {
  return refuse(error.code == Errc::kNotFound ? "include-not-found" : "include-unavailable", item,
                error.message);
}

IncludeFiles::Files IncludeFiles::unavailable(const IncludeItem& item, std::string_view what) {
  return refuse(
      "include-unavailable", item,
      fmt::format("`{}` is known, but such files cannot be had here: {}", what, printable(item.location)),
      "Copy the file into the repository and include it with `local`.");
}

bool IncludeFiles::expand_one(std::string& text, const IncludeItem& item, const FilePlace& from) {
  if (text.find_first_of("$%") == std::string::npos) return true;
  const IncludeScope& scope = scope_of(from);
  if (!scope.expand) return true;
  const std::string written = text;
  text = scope.expand(text);
  if (!text.empty()) return true;
  refuse("invalid-include", item,
         fmt::format("Nothing is left of `{}`: its variables have no value here", printable(written)),
         "Only project, pipeline and predefined variables are known in `include`.");
  return false;
}

bool IncludeFiles::expand(IncludeItem& item, const FilePlace& from) {
  return expand_one(item.location, item, from) && expand_one(item.project, item, from) &&
         expand_one(item.ref, item, from) && expand_one(item.job, item, from);
}

std::vector<IncludedFile> IncludeFiles::open(IncludeItem item, const FilePlace& from) {
  if (!expand(item, from)) return {};
  switch (item.kind) {
    case IncludeKind::kText:
      return is_url(item.location) ? open_remote(item) : open_local(item, from);
    case IncludeKind::kLocal:
      return open_local(item, from);
    case IncludeKind::kProject:
      return open_project(item, from);
    case IncludeKind::kRemote:
      return open_remote(item);
    case IncludeKind::kTemplate:
      return open_template(item);
    case IncludeKind::kComponent:
      return open_component(item, from);
    case IncludeKind::kArtifact:
      return open_artifact(item);
  }
  return {};
}

bool IncludeFiles::check_path(const IncludeItem& item, const std::string& path) {
  const auto parts = split(path, '/');
  if (std::ranges::any_of(parts, [](const std::string& part) { return part == "." || part == ".."; })) {
    refuse("invalid-include", item,
           fmt::format("`{}` for include:local is invalid: no `.` or `..` in the path",
                       printable(item.location)),
           "Write the path from the root of the repository.");
    return false;
  }
  if (has_yaml_extension(path)) return true;
  refuse("invalid-include", item,
         fmt::format("Included file `{}` does not have YAML extension!", printable(path)));
  return false;
}

IncludeFiles::Files IncludeFiles::open_local(const IncludeItem& item, const FilePlace& from) {
  const std::string path = without_leading_slashes(item.location);
  if (from.outside)
    return refuse("invalid-include", item,
                  fmt::format("Local file `{}` does not have project!", printable(path)),
                  "A file from a URL or a template includes by URL, template or project.");
  const Repository& repository = *from.repository;
  std::vector<std::string> paths = {path};
  if (path.find('*') != std::string::npos) {
    paths = repository.list ? repository.list() : std::vector<std::string>();
    std::erase_if(paths, [&](const std::string& one) { return !include_path_matches(path, one); });
    std::ranges::sort(paths);
  }
  Files files;
  for (const std::string& one : paths) {
    if (!check_path(item, one)) return {};
    auto text = repository.read ? repository.read(one) : std::nullopt;
    if (!text)
      return refuse("include-not-found", item,
                    fmt::format("Local file `{}` does not exist!", printable(one)));
    files.push_back(file_of(name_in(repository, one), from.repository, *std::move(text)));
  }
  return files;
}

std::shared_ptr<const Repository> IncludeFiles::repository(const IncludeItem& item,
                                                           const ProjectRequest& request) {
  const std::vector<std::string> key = {request.host, request.project, request.ref};
  auto found = opened_.find(key);
  if (found == opened_.end()) {
    Result<Repository> opened = sources_.project(request);
    found = opened_
                .emplace(key, opened ? Result<std::shared_ptr<const Repository>>(
                                           std::make_shared<const Repository>(*std::move(opened)))
                                     : Result<std::shared_ptr<const Repository>>(opened.error()))
                .first;
  }
  if (found->second) return *found->second;
  refuse(item, found->second.error());
  return nullptr;
}

IncludeFiles::Files IncludeFiles::open_project(const IncludeItem& item, const FilePlace& from) {
  if (!sources_.project) return unavailable(item, "include:project");
  if (from.outside)
    return refuse(
        "include-not-found", item,
        fmt::format("Project `{}` not found or access denied! A file from a URL or a template reads "
                    "no project",
                    printable(item.project)));
  const std::string path = without_leading_slashes(item.location);
  if (!check_path(item, path)) return {};
  const auto found = repository(item, {.host = {}, .project = item.project, .ref = item.ref});
  if (!found) return {};
  auto text = found->read ? found->read(path) : std::nullopt;
  if (!text)
    return refuse(
        "include-not-found", item,
        fmt::format("Project `{}` file `{}` does not exist!", printable(item.project), printable(path)));
  return {file_of(name_in(*found, path), found, *std::move(text))};
}

std::optional<std::string> IncludeFiles::version_of(const IncludeItem& item, const ProjectRequest& request,
                                                    const std::string& version) {
  if (!needs_tags(version) || !sources_.tags) return version;
  const auto tags = sources_.tags(request);
  if (!tags) {
    refuse(item, tags.error());
    return std::nullopt;
  }
  if (auto tag = choose_tag(version, *tags)) return tag;
  if (version != "~latest") return version;  // then it is the name of a tag or a branch
  refuse("include-not-found", item,
         fmt::format("Component `{}`: the project has no tag that is a released version",
                     printable(item.location)));
  return std::nullopt;
}

IncludeFiles::Files IncludeFiles::open_component(const IncludeItem& item, const FilePlace& from) {
  const auto address = parse_component(item.location);
  if (!address)
    return refuse("invalid-include", item,
                  fmt::format("`{}` is no address of a component", printable(item.location)),
                  "Write `$CI_SERVER_FQDN/group/project/name@version`.");
  if (!sources_.project || from.outside) return unavailable(item, "include:component");
  ProjectRequest request{.host = address->host, .project = address->project, .ref = {}};
  const auto version = version_of(item, request, address->version);
  if (!version) return {};
  request.ref = *version;
  const auto found = repository(item, request);
  if (!found) return {};
  for (const std::string& path : component_paths(address->name)) {
    auto text = found->read ? found->read(path) : std::nullopt;
    if (!text) continue;
    IncludedFile file = file_of(name_in(*found, path), found, *std::move(text));
    file.component = component_values(*address, *found, *version);
    return {std::move(file)};
  }
  return refuse(
      "include-not-found", item,
      fmt::format("Component `{}`: one of the files {} must exist in `{}`", printable(item.location),
                  join(component_paths(address->name), ", "), printable(address->project)));
}

IncludeFiles::Files IncludeFiles::outside_file(const IncludeItem& item, std::string name,
                                               Result<std::string> text) {
  if (!text) return refuse(item, text.error());
  if (!item.integrity.empty() && !has_integrity(*text, item.integrity))
    return refuse("include-integrity", item,
                  fmt::format("Remote file `{}` does not have the content that `integrity` asks for",
                              printable(item.location)),
                  "Look at what has changed there before you write the new digest.");
  IncludedFile file = file_of(std::move(name), own_, *std::move(text));
  file.place.outside = true;
  return {std::move(file)};
}

IncludeFiles::Files IncludeFiles::open_remote(const IncludeItem& item) {
  if (!is_url(item.location))
    return refuse("invalid-include", item,
                  fmt::format("Remote file `{}` does not have a valid address!", printable(item.location)));
  if (!has_yaml_extension(item.location))
    return refuse("invalid-include", item,
                  fmt::format("Included file `{}` does not have YAML extension!", printable(item.location)));
  if (!sources_.remote) return unavailable(item, "include:remote");
  return outside_file(item, item.location, sources_.remote(item.location));
}

IncludeFiles::Files IncludeFiles::open_template(const IncludeItem& item) {
  if (!item.location.ends_with(".gitlab-ci.yml"))
    return refuse("invalid-include", item,
                  fmt::format("Template file `{}` is not a valid location!", printable(item.location)),
                  "The name of a template ends in `.gitlab-ci.yml`.");
  if (!sources_.template_file) return unavailable(item, "include:template");
  return outside_file(item, "template:" + item.location, sources_.template_file(item.location));
}

IncludeFiles::Files IncludeFiles::open_artifact(const IncludeItem& item) {
  if (!sources_.artifact)
    return refuse("invalid-include", item, "include:artifact is for `trigger:include` only");
  auto text = sources_.artifact(item.job, item.location);
  if (!text) return refuse(item, text.error());
  return {file_of(fmt::format("{}:{}", item.job, item.location), own_, *std::move(text))};
}

}  // namespace tidegate::config
