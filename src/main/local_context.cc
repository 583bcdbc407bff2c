#include "main/local_context.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::main {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 500'000;

// What git prints, or nothing when it fails (no repository, no commit yet, no git).
std::optional<std::string> git(const fs::path& directory, std::vector<std::string> arguments) {
  sys::Command command;
  command.argv = {"git", "-C", directory.string()};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const auto done = sys::run(command);
  if (!done || !done->exit.ok()) return std::nullopt;
  return done->out;
}

std::string line(const std::optional<std::string>& text) {
  return text ? std::string(trim(*text)) : std::string();
}

std::vector<std::string> nul_separated(const std::string& text) {
  auto parts = split(text, '\0');
  std::erase(parts, "");
  return parts;
}

// GitLab compares a push with the commit before it; here that is HEAD's parent, and what is not committed
// comes on top.
std::optional<std::vector<std::string>> changed_by_git(const fs::path& directory) {
  const auto committed = git(directory, {"diff", "-z", "--name-only", "--no-renames", "HEAD~1", "HEAD"});
  if (!committed) return std::nullopt;
  std::set<std::string> paths;
  for (auto& path : nul_separated(*committed)) paths.insert(std::move(path));
  if (const auto open = git(directory, {"diff", "-z", "--name-only", "--no-renames", "HEAD"})) {
    for (auto& path : nul_separated(*open)) paths.insert(std::move(path));
  }
  if (const auto fresh = git(directory, {"ls-files", "-z", "--others", "--exclude-standard"})) {
    for (auto& path : nul_separated(*fresh)) paths.insert(std::move(path));
  }
  return std::vector<std::string>(paths.begin(), paths.end());
}

std::string default_branch_of(const fs::path& directory) {
  const std::string remote = line(git(directory, {"symbolic-ref", "--short", "refs/remotes/origin/HEAD"}));
  if (remote.starts_with("origin/")) return remote.substr(7);
  return "main";
}

}  // namespace

std::vector<std::string> files_of(const fs::path& directory) {
  if (const auto listed = git(directory, {"ls-files", "-z", "--cached", "--others", "--exclude-standard"})) {
    auto files = nul_separated(*listed);
    std::ranges::sort(files);
    return files;
  }
  std::vector<std::string> files;
  std::error_code failed;
  for (auto it =
           fs::recursive_directory_iterator(directory, fs::directory_options::skip_permission_denied, failed);
       it != fs::recursive_directory_iterator() && files.size() < kMaxFiles; it.increment(failed)) {
    if (failed) break;
    if (it->path().filename() == ".git") it.disable_recursion_pending();
    if (it->is_regular_file(failed))
      files.push_back(it->path().lexically_relative(directory).generic_string());
  }
  std::ranges::sort(files);
  return files;
}

Result<config::Loaded> load_directory(const LocalOptions& options) {
  const fs::path path =
      fs::path(options.file).is_absolute() ? fs::path(options.file) : options.directory / options.file;
  auto text = sys::read_file(path, 16U << 20U);
  if (!text) {
    if (text.error().code != Errc::kNotFound) return text.error();
    return fail(
        Errc::kNotFound,
        path.string() + " is not there; -C names the project's folder, --file the configuration in it");
  }
  config::Sources sources;
  sources.read = [directory = options.directory](const std::string& name) -> std::optional<std::string> {
    auto content = sys::read_file(directory / fs::path(name).relative_path(), 16U << 20U);
    return content ? std::optional(std::move(*content)) : std::nullopt;
  };
  sources.list = [directory = options.directory] { return files_of(directory); };
  return config::load(*text, options.file, sources);
}

pipeline::Context context_of(const LocalOptions& options) {
  pipeline::Context context;
  const fs::path& directory = options.directory;
  context.is_tag = options.tag;
  context.ref = options.ref;
  if (context.ref.empty()) context.ref = line(git(directory, {"symbolic-ref", "--short", "HEAD"}));
  if (context.ref.empty()) context.ref = "main";
  context.default_branch =
      options.default_branch.empty() ? default_branch_of(directory) : options.default_branch;
  context.source = options.source;
  context.sha = line(git(directory, {"rev-parse", "HEAD"}));
  if (context.sha.empty()) context.sha = std::string(40, '0');
  context.before_sha = line(git(directory, {"rev-parse", "HEAD~1"}));
  for (const auto& [key, value] : options.variables) context.pipeline.push_back({key, value});
  if (!options.changed.empty()) {
    context.changed = options.changed;
  } else if (!options.changed_unknown) {
    context.changed = changed_by_git(directory);
  }
  context.changed_against = [directory](const std::string& ref) -> std::optional<std::vector<std::string>> {
    const auto paths = git(directory, {"diff", "-z", "--name-only", "--no-renames", ref + "...HEAD"});
    return paths ? std::optional(nul_separated(*paths)) : std::nullopt;
  };
  context.tree = [directory] { return files_of(directory); };
  const std::string name = fs::absolute(directory).lexically_normal().filename().string();
  const std::string project =
      name.empty() ? fs::absolute(directory).lexically_normal().parent_path().filename().string() : name;
  context.predefined = {{"CI_PROJECT_NAME", project},
                        {"CI_PROJECT_PATH", "local/" + project},
                        {"CI_PROJECT_NAMESPACE", "local"},
                        {"CI_PROJECT_PATH_SLUG", slug("local/" + project)},
                        {"CI_PROJECT_ID", "0"},
                        {"CI_PIPELINE_ID", "0"},
                        {"CI_PIPELINE_IID", "0"}};
  return context;
}

}  // namespace tidegate::main
