#include "app/local/working_copy.h"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <unordered_set>

#include <fmt/core.h>

#include "app/local/git_command.h"
#include "base/sha256.h"
#include "base/text.h"
#include "pipeline/predefined.h"
#include "sys/file.h"
#include "sys/process.h"

namespace tidegate::app {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLargestConfig = 16U << 20U;

std::string git_line(const fs::path& directory, std::vector<std::string> arguments) {
  const Result<std::string> out = run_git(directory, std::move(arguments));
  return out ? std::string(trim(*out)) : std::string();
}

std::vector<std::string> nul_separated(const std::string& text) {
  std::vector<std::string> parts = split(text, '\0');
  std::erase_if(parts, [](const std::string& part) { return part.empty(); });
  return parts;
}

void sort_unique(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
}

// origin's, else main or master, else the current one: one question to Git.
std::string default_branch_of(const fs::path& root, const std::string& current) {
  const std::string refs =
      git_line(root, {"for-each-ref", "--format=%(refname) %(symref)", "refs/remotes/origin/HEAD",
                      "refs/heads/main", "refs/heads/master"});
  constexpr std::string_view kRemote = "refs/remotes/origin/HEAD refs/remotes/origin/";
  const auto lines = split(refs, '\n');
  for (const std::string& line : lines) {
    if (line.starts_with(kRemote)) return std::string(trim(line.substr(kRemote.size())));
  }
  for (const std::string name : {"main", "master"}) {
    for (const std::string& line : lines) {
      if (trim(line) == "refs/heads/" + name) return name;
    }
  }
  return current;
}

Result<std::vector<std::string>> all_files(const fs::path& root) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(root, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    if (at->path().filename() == ".git") at.disable_recursion_pending();
    const fs::file_status status = at->symlink_status(error);
    if (!error && (fs::is_regular_file(status) || fs::is_symlink(status))) {
      files.push_back(at->path().lexically_relative(root).native());
    }
  }
  if (error) return fail(Errc::kInternal, fmt::format("list {}: {}", root.native(), error.message()));
  return files;
}

// The commit checked out: what it says, who wrote it and when.
void read_head(WorkingCopy& copy) {
  const Result<std::string> told = run_git(
      copy.root, {"log", "-1", "--no-show-signature", "--format=%H%x00%an <%ae>%x00%aI%x00%B", "HEAD"});
  if (!told) return;
  auto parts = split(*told, '\0');
  if (parts.size() < 4) return;
  copy.git = true;
  copy.sha = std::move(parts[0]);
  copy.commit.author = std::move(parts[1]);
  copy.commit.timestamp = std::move(parts[2]);
  copy.commit.message = std::string(trim(parts[3])) + "\n";
}

// "H path" is tracked, "? path" is not; deleted ones are still listed.
Status list_files(WorkingCopy& copy) {
  TG_TRY(const std::string listed,
         run_git(copy.root, {"ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard"}));
  for (const std::string& line : nul_separated(listed)) {
    if (line.size() < 3) continue;
    std::string path = line.substr(2);
    std::error_code error;
    const fs::file_status status = fs::symlink_status(copy.root / path, error);
    if (!fs::is_regular_file(status) && !fs::is_symlink(status)) continue;
    if (line[0] == '?') copy.untracked.push_back(path);
    copy.files.push_back(std::move(path));
  }
  return {};
}

// Who works here, as Git knows them.
void read_user(WorkingCopy& copy) {
  const std::string told = git_line(copy.root, {"config", "--get-regexp", "^user\\.(name|email)$"});
  for (const std::string& line : split(told, '\n')) {
    if (line.starts_with("user.name ")) copy.user.name = line.substr(10);
    if (line.starts_with("user.email ")) copy.user.email = line.substr(11);
  }
  copy.user.id = "1";
  copy.user.login = copy.user.email.substr(0, copy.user.email.find('@'));
}

Status open_git(WorkingCopy& copy) {
  read_head(copy);
  read_user(copy);
  // Two lines: the way up to the repository's root, and the branch ("HEAD" when there is none).
  const Result<std::string> where =
      run_git(copy.root, {"rev-parse", "--show-cdup", "--symbolic-full-name", "HEAD"});
  std::string branch;
  if (where) {
    const auto lines = split(*where, '\n');
    copy.top_level = lines.front().empty();
    constexpr std::string_view kHeads = "refs/heads/";
    if (lines.size() > 1 && lines[1].starts_with(kHeads)) branch = lines[1].substr(kHeads.size());
  } else {  // no commit yet
    copy.top_level = git_line(copy.root, {"rev-parse", "--show-cdup"}).empty();
    branch = git_line(copy.root, {"symbolic-ref", "--quiet", "--short", "HEAD"});
  }
  copy.branch = branch.empty() ? "HEAD" : branch;
  copy.default_branch = default_branch_of(copy.root, branch.empty() ? "main" : branch);
  return list_files(copy);
}

Result<std::vector<std::string>> changed_since(const WorkingCopy& copy, const std::string& base) {
  TG_TRY(const std::string changed,
         run_git(copy.root, {"diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z",
                             "--end-of-options", base, "--"}));
  std::vector<std::string> paths = nul_separated(changed);
  paths.insert(paths.end(), copy.untracked.begin(), copy.untracked.end());
  sort_unique(paths);
  return paths;
}

/// Where another branch than the default one began; empty: nowhere, or this is the default branch.
std::string fork_of(const WorkingCopy& copy) {
  if (copy.branch == copy.default_branch) return {};
  for (const std::string& name : {"origin/" + copy.default_branch, copy.default_branch}) {
    std::string base = git_line(copy.root, {"merge-base", "HEAD", name});
    if (!base.empty()) return base;
  }
  return {};
}

}  // namespace

Result<WorkingCopy> open_working_copy(const fs::path& directory) {
  std::error_code error;
  WorkingCopy copy;
  copy.root = fs::canonical(directory, error);
  if (error || !fs::is_directory(copy.root)) {
    return fail(Errc::kNotFound, fmt::format("{} is no directory", printable(directory.native())));
  }
  bool repository = false;
  for (fs::path at = copy.root; !repository; at = at.parent_path()) {
    repository = fs::exists(at / ".git", error);
    if (at == at.parent_path()) break;
  }
  if (repository) {
    if (!sys::find_program("git")) {
      return fail(Errc::kEnvironment,
                  fmt::format("{} is a Git repository, but git is not installed: apt install git",
                              copy.root.native()));
    }
    TG_CHECK(open_git(copy));
  } else {
    TG_TRY(copy.files, all_files(copy.root));
  }
  sort_unique(copy.files);
  return copy;
}

Result<std::optional<std::vector<std::string>>> changed_paths(const WorkingCopy& copy,
                                                              const std::string& base) {
  using Paths = std::optional<std::vector<std::string>>;
  if (!copy.git) return Paths();
  const std::string from = base.empty() ? fork_of(copy) : base;
  if (!from.empty()) {
    TG_TRY(const std::string sha,
           run_git(copy.root, {"rev-parse", "--verify", "--quiet", "--end-of-options", from + "^{commit}"}));
    TG_TRY(auto paths, changed_since(copy, std::string(trim(sha))));
    return Paths(std::move(paths));
  }
  TG_TRY(auto uncommitted, changed_since(copy, "HEAD"));
  if (!uncommitted.empty()) return Paths(std::move(uncommitted));
  auto since_parent = changed_since(copy, "HEAD~1");
  return since_parent ? Paths(*std::move(since_parent)) : Paths();  // the first commit has no parent
}

config::Sources sources_of(const WorkingCopy& copy) {
  config::Sources sources;
  sources.read = [root = copy.root,
                  files = std::unordered_set<std::string>(copy.files.begin(), copy.files.end())](
                     const std::string& path) -> std::optional<std::string> {
    if (!files.contains(path)) return std::nullopt;
    const Result<std::string> text = sys::read_file(root / path, kLargestConfig);
    return text ? std::optional(*text) : std::nullopt;
  };
  sources.list = [files = copy.files] { return files; };
  return sources;
}

pipeline::Context context_of(const WorkingCopy& copy) {
  pipeline::Context context;
  context.ref = copy.branch;
  context.default_branch = copy.default_branch;
  context.sha = copy.sha;
  context.commit = copy.commit;
  context.predefined = pipeline::server_predefined("");
  // For `include: component: $CI_SERVER_FQDN/…`: of whatever host, it is looked for here.
  for (const char* key : {"CI_SERVER_HOST", "CI_SERVER_FQDN"})
    context.predefined.push_back({.key = key, .value = "localhost"});
  const auto add = [&](pipeline::JobVariables variables) {
    context.predefined.insert(context.predefined.end(), std::make_move_iterator(variables.begin()),
                              std::make_move_iterator(variables.end()));
  };
  add(pipeline::user_predefined(copy.user));
  add(pipeline::project_predefined({.path = "local/" + copy.root.filename().native(), .url = {}}));
  context.changed_against = [&copy](const std::string& ref) -> std::optional<std::vector<std::string>> {
    const auto paths = changed_paths(copy, ref);
    return paths ? *paths : std::nullopt;
  };
  context.tree = [&copy] { return copy.files; };
  context.files_key = [&copy](const std::vector<std::string>& files) -> std::optional<std::string> {
    std::string digests;
    for (const std::string& file : files) {
      const auto digest = sys::sha256_of_file(copy.root / file);
      if (digest) digests += *digest;
    }
    return digests.empty() ? std::nullopt : std::optional(sha256_hex(digests).substr(0, 40));
  };
  context.commits_key = [&copy](const std::vector<std::string>& files) -> std::optional<std::string> {
    std::string commits;
    for (const std::string& file : files) {
      if (copy.git) commits += git_line(copy.root, {"log", "-1", "--format=%H", "--", file});
    }
    return commits.empty() ? std::nullopt : std::optional(sha256_hex(commits).substr(0, 40));
  };
  return context;
}

}  // namespace tidegate::app
