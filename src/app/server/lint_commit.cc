#include "app/server/lint_commit.h"

#include "app/server/pipelines.h"

namespace tidegate::app {
namespace {

constexpr const char* kFile = ".gitlab-ci.yml";

config::Loaded load_content(const std::optional<std::string>& content, const config::Sources& sources) {
  if (content) return config::load(*content, kFile, sources);
  config::Loaded nothing;
  nothing.diagnostics.push_back({.severity = config::Severity::kError,
                                 .code = "config-empty",
                                 .message = "Please provide content of .gitlab-ci.yml",
                                 .place = {.file = kFile, .line = 0, .column = 0},
                                 .hint = "The commit has no such file."});
  return nothing;
}

}  // namespace

Result<CommitLint> lint_commit(const ServerPorts& ports, const Project& project,
                               const CommitLintRequest& request) {
  TG_TRY(const auto repository, ports.repository(project));
  const auto sha = repository->resolve(request.ref.empty() ? project.default_branch : request.ref);
  if (!sha && !request.content && !request.ref.empty())
    return fail(Errc::kNotFound, "404 Reference Not Found");
  std::optional<std::string> content = request.content;
  config::Sources sources;
  if (sha) {
    sources = sources_at(*repository, *sha);
    if (!content) {
      TG_TRY(content, repository->read_file(*sha, kFile));
    } else {
      // Comments that switch lints off stand in what was sent, not in what is there.
      sources.read = [read = sources.read, sent = *content](const std::string& path) {
        return path == kFile ? std::optional(sent) : read(path);
      };
    }
  }
  CommitLint answer;
  answer.loaded = load_content(content, sources);
  answer.report = lint_project(answer.loaded, sources);
  return answer;
}

}  // namespace tidegate::app
