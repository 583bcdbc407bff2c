#include "app/server/lint_commit.h"

#include "app/server/include_policy.h"
#include "app/server/server_variables.h"
#include "pipeline/include_scope.h"

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

// As if the commit were pushed: what include:rules ask about.
pipeline::Context context_of(const ServerPorts& ports, const Project& project, const std::string& ref,
                             const std::string& sha) {
  pipeline::Context context;
  context.ref = ref.empty() ? project.default_branch : ref;
  context.default_branch = project.default_branch;
  context.source = "push";
  context.sha = sha;
  context.predefined = predefined_variables(ports, project);
  return context;
}

}  // namespace

Result<CommitLint> lint_commit(const ServerPorts& ports, const Project& project,
                               const CommitLintRequest& request) {
  TG_TRY(const std::shared_ptr<GitRepository> repository, ports.repository(project));
  const auto sha = repository->resolve(request.ref.empty() ? project.default_branch : request.ref);
  if (!sha && !request.content && !request.ref.empty())
    return fail(Errc::kNotFound, "404 Reference Not Found");
  std::optional<std::string> content = request.content;
  const pipeline::Context context = context_of(ports, project, request.ref, sha.value_or(""));
  config::Sources sources;
  if (sha) {
    TG_TRY(auto projects, ports.loop.call([&] { return ports.store.projects(); }));
    sources = include_sources(ports, project, std::move(projects), repository, *sha);
    sources.scope = pipeline::include_scope(context);
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
