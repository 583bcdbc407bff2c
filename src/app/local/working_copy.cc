#include "app/local/working_copy.h"

#include <algorithm>
#include <future>
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

/// The questions of which none waits for another's answer, asked at once: most of the time that each takes is
/// the start of a process.
struct Questions {
  using Answer = std::future<Result<std::string>>;

  explicit Questions(const fs::path& root)
      : head(
            ask(root, {"log", "-1", "--no-show-signature", "--format=%H%x00%an <%ae>%x00%aI%x00%B", "HEAD"})),
        user(ask(root, {"config", "--get-regexp", "^user\\.(name|email)$"})),
        refs(ask(root, {"for-each-ref", "--format=%(HEAD)%(refname) %(symref)", "refs/remotes/origin/HEAD",
                        "refs/heads/main", "refs/heads/master"})),
        files(ask(root, {"ls-files", "-t", "-z", "--cached", "--others", "--exclude-standard"})) {}

  Answer head;   ///< the commit checked out: what it says, who wrote it and when
  Answer user;   ///< who works here
  Answer refs;   ///< "*" before the branch checked out, where it is one of these
  Answer files;  ///< "H path" is tracked, "? path" is not; deleted ones are still listed

 private:
  static Answer ask(const fs::path& root, std::vector<std::string> arguments) {
    return std::async(std::launch::async, run_git, root, std::move(arguments));
  }
};

// Empty: HEAD is detached.
std::string current_branch(const fs::path& root, const std::string& refs) {
  constexpr std::string_view kHeads = "refs/heads/";
  std::string head;
  for (const std::string& line : split(refs, '\n')) {
    if (line.starts_with('*')) head = std::string(trim(line.substr(1)));
  }
  if (head.empty()) head = git_line(root, {"symbolic-ref", "--quiet", "HEAD"});
  return head.starts_with(kHeads) ? head.substr(kHeads.size()) : std::string();
}

// origin's, else main or master, else the current one.
std::string default_branch_of(const std::string& refs, const std::string& current) {
  constexpr std::string_view kRemote = " refs/remotes/origin/HEAD refs/remotes/origin/";
  const auto lines = split(refs, '\n');
  for (const std::string& line : lines) {
    if (line.starts_with(kRemote)) return std::string(trim(line.substr(kRemote.size())));
  }
  for (const std::string name : {"main", "master"}) {
    for (const std::string& line : lines) {
      if (line.ends_with("refs/heads/" + name + " ")) return name;
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

void read_head(WorkingCopy& copy, const Result<std::string>& told) {
  if (!told) return;
  auto parts = split(*told, '\0');
  if (parts.size() < 4) return;
  copy.git = true;
  copy.sha = std::move(parts[0]);
  copy.commit.author = std::move(parts[1]);
  copy.commit.timestamp = std::move(parts[2]);
  copy.commit.message = std::string(trim(parts[3])) + "\n";
}

void read_files(WorkingCopy& copy, const std::string& listed) {
  for (const std::string& line : nul_separated(listed)) {
    if (line.size() < 3) continue;
    std::string path = line.substr(2);
    std::error_code error;
    const fs::file_status status = fs::symlink_status(copy.root / path, error);
    if (!fs::is_regular_file(status) && !fs::is_symlink(status)) continue;
    if (line[0] == '?') copy.untracked.push_back(path);
    copy.files.push_back(std::move(path));
  }
}

void read_user(WorkingCopy& copy, const std::string& told) {
  for (const std::string& line : split(told, '\n')) {
    if (line.starts_with("user.name ")) copy.user.name = line.substr(10);
    if (line.starts_with("user.email ")) copy.user.email = line.substr(11);
  }
  copy.user.id = "1";
  copy.user.login = copy.user.email.substr(0, copy.user.email.find('@'));
}

Status open_git(WorkingCopy& copy) {
  Questions questions(copy.root);
  read_head(copy, questions.head.get());
  read_user(copy, questions.user.get().value_or(""));
  const std::string refs = questions.refs.get().value_or("");
  const std::string branch = current_branch(copy.root, refs);
  copy.branch = branch.empty() ? "HEAD" : branch;
  copy.default_branch = default_branch_of(refs, branch.empty() ? "main" : branch);
  TG_TRY(const std::string listed, questions.files.get());
  read_files(copy, listed);
  return {};
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
  copy.top_level = fs::exists(copy.root / ".git", error);
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
