#include "main/local_commands.h"

#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "app/lint/lint_project.h"
#include "app/local/job_graph.h"
#include "base/text.h"
#include "main/plan_json.h"
#include "main/terminal.h"
#include "sys/file.h"

namespace tidegate::main {
namespace {

/// The texts that findings stand in, each read and cut into lines once: there may be hundreds of findings in
/// a file of a hundred thousand lines.
class Excerpts {
 public:
  explicit Excerpts(const std::filesystem::path& directory) : directory_(directory) {}

  /// The source line and a caret below the column. Wide characters are counted as one, as editors count
  /// columns.
  void print(const config::Place& place) {
    if (place.line == 0) return;
    const auto& lines = lines_of(place.file);
    if (place.line > lines.size()) return;
    const std::string& line = lines[place.line - 1];
    if (line.size() > 200) return;
    fmt::print(stderr, "  {:>5} | {}\n", place.line, printable(line, 300));
    if (place.column > 0 && place.column <= line.size() + 1)
      fmt::print(stderr, "        | {}^\n", std::string(place.column - 1, ' '));
  }

 private:
  const std::vector<std::string>& lines_of(const std::string& file) {
    const auto known = files_.find(file);
    if (known != files_.end()) return known->second;
    const auto text = sys::read_file(directory_ / file);
    return files_.emplace(file, text ? split(*text, '\n') : std::vector<std::string>()).first->second;
  }

  const std::filesystem::path& directory_;
  std::map<std::string, std::vector<std::string>> files_;
};

// "in build, via extends .base (.gitlab-ci.yml:7)", when the place does not tell it.
void print_way(const config::Diagnostic& found) {
  if (found.via.empty()) return;
  std::string way = found.job.empty() ? "by way of " : "in " + printable(found.job, 100) + ", via ";
  for (std::size_t i = 0; i < found.via.size(); ++i) {
    const config::Hop& hop = found.via[i];
    way += (i == 0 ? "" : ", ") + hop.what;
    if (hop.place.line > 0) way += fmt::format(" ({}:{})", hop.place.file, hop.place.line);
  }
  fmt::print(stderr, "          {}\n", way);
}

void print_job(const pipeline::PlannedJob& job, std::size_t width) {
  std::string needs;
  if (job.needs) {
    for (const auto& need : *job.needs) needs += (needs.empty() ? "" : ", ") + need.job;
    needs = job.needs->empty() ? "  needs: none" : "  needs: " + needs;
  }
  fmt::print("  {:<{}}  {}{}\n", job.name, width, job.created ? "" : "not created: " + job.reason,
             job.created ? needs : "");
}

void print_plan(const pipeline::Plan& plan) {
  if (!plan.created) fmt::print("No pipeline: {}\n", plan.reason);
  std::size_t width = 8;
  for (const auto& job : plan.jobs) width = std::max(width, std::min<std::size_t>(job.name.size(), 40));
  std::string stage;
  for (const auto& job : plan.jobs) {
    if (job.stage != stage) fmt::print("{}\n", stage = job.stage);
    print_job(job, width);
  }
}

// The plan with the diagnostics of the configuration before its own.
Status outline(const LocalOptions& options, Workings& workings) {
  auto& [project, plan] = workings;
  TG_CHECK(open_project(options, project));
  config::Diagnostics diagnostics = std::move(project.loaded.diagnostics);
  if (project.loaded.definition && !config::has_errors(diagnostics)) {
    TG_TRY(const auto context, context_of(options, project));
    plan = pipeline::compile(*project.loaded.definition, context, pipeline::Detail::kOutline);
    diagnostics.insert(diagnostics.end(), plan.diagnostics.begin(), plan.diagnostics.end());
  } else {
    plan.reason = "the configuration is refused";
  }
  plan.diagnostics = std::move(diagnostics);
  return {};
}

}  // namespace

int refuse(const Error& error) {
  fmt::print(stderr, "tidegate: {}\n", error.message);
  return exit_code_of(error.code);
}

int exit_code_of(Errc code) {
  switch (code) {
    case Errc::kInvalid:
    case Errc::kNotFound:
      return kUsage;
    case Errc::kEnvironment:
    case Errc::kUnavailable:
      return kEnvironment;
    case Errc::kConflict:
    case Errc::kDenied:
    case Errc::kFailed:
    case Errc::kCanceled:
    case Errc::kInternal:
      return kFailed;
  }
  return kFailed;
}

void print_diagnostics(const config::Diagnostics& diagnostics, const std::filesystem::path& directory) {
  Excerpts excerpts(directory);
  for (const auto& d : diagnostics) {
    const char* word = d.severity == config::Severity::kError ? "error" : "warning";
    fmt::print(stderr, "{}:{}:{}: {}: {} [{}]\n", d.place.file, d.place.line, d.place.column, word, d.message,
               d.code);
    excerpts.print(d.place);
    print_way(d);
    if (!d.hint.empty()) fmt::print(stderr, "          {}\n", d.hint);
  }
}

int lint(const LintOptions& options, Workings& workings) {
  auto& project = workings.project;
  if (const Status opened = open_project(options.local, project); !opened) return refuse(opened.error());
  if (const std::string unknown = app::unknown_lint(options.disabled); !unknown.empty())
    return refuse(fail(Errc::kInvalid, "--disable: " + unknown));
  const config::Loaded& loaded = project.loaded;
  const app::LintReport report = app::lint_project(loaded, app::sources_of(project.copy), options.disabled);
  const bool errors = config::has_errors(report.diagnostics);
  if (options.json) {
    const std::string merged = options.merged ? loaded.merged() : std::string();
    write_lint_json(stdout, report.diagnostics, options.merged ? &merged : nullptr);
  } else {
    print_diagnostics(report.diagnostics, options.local.directory);
    if (options.merged) fmt::print("{}", loaded.merged());
    if (!errors) {
      fmt::print(stderr, "{} is valid ({} jobs, {} warnings)\n", options.local.file,
                 loaded.definition->jobs.size(), report.diagnostics.size());
    }
  }
  return errors ? kFailed : kGood;
}

int list(const ListOptions& options, Workings& workings) {
  if (const Status planned = outline(options.local, workings); !planned) return refuse(planned.error());
  const auto& plan = workings.plan;
  if (options.names) {
    for (const auto& job : plan.jobs) {
      if (job.created) fmt::print("{}\n", job.name);
    }
  } else if (options.json) {
    const auto& definition = workings.project.loaded.definition;
    write_plan_json(stdout, plan, definition ? &*definition : nullptr, plan.diagnostics);
  } else {
    print_diagnostics(plan.diagnostics, options.local.directory);
    print_plan(plan);
  }
  return config::has_errors(plan.diagnostics) ? kFailed : kGood;
}

int graph(const GraphOptions& options, Workings& workings) {
  if (const Status planned = outline(options.local, workings); !planned) return refuse(planned.error());
  const auto& plan = workings.plan;
  print_diagnostics(plan.diagnostics, options.local.directory);
  if (config::has_errors(plan.diagnostics)) return kFailed;
  if (!plan.created) fmt::print(stderr, "No pipeline: {}\n", plan.reason);
  constexpr std::size_t kColumnsOfFiles = 120;
  const std::size_t columns = terminal_of(stdout).is_terminal ? size_of(stdout).columns : kColumnsOfFiles;
  fmt::print("{}", options.format == "mermaid" ? app::mermaid_graph(plan)
                   : options.format == "dot"   ? app::dot_graph(plan)
                                               : app::text_graph(plan, columns));
  return kGood;
}

}  // namespace tidegate::main
