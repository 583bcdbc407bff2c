// Any bytes as a pipeline file that is compiled: as a push, as a tag with changed paths, and with the text's
// own variables given from outside. Nothing may crash, hang or grow without end, and what is refused must say
// why.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "pipeline/plan.h"

namespace {

using namespace tidegate;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check(const pipeline::Plan& plan, std::size_t jobs) {
  require(!(plan.created && config::has_errors(plan.diagnostics)), "a refused pipeline is not created");
  require(plan.created || !plan.reason.empty(), "no pipeline without a reason");
  std::size_t created = 0;
  for (const auto& job : plan.jobs) {
    require(!job.reason.empty() || job.created, "a job that is not created says why");
    created += job.created ? 1 : 0;
  }
  require(!plan.created || created > 0, "a pipeline has a job");
  require(jobs > 0 || !plan.created, "no jobs, no pipeline");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  config::Sources sources;
  sources.read = [&](const std::string& path) -> std::optional<std::string> {
    if (path == "small.yml") return "small: {script: x, needs: []}\n.base: {variables: {A: $B}}\n";
    return std::nullopt;
  };
  sources.list = [] { return std::vector<std::string>{"small.yml", "docs/a.md"}; };
  const auto loaded = config::load(text, ".gitlab-ci.yml", sources);
  if (!loaded.definition) return 0;

  pipeline::Context push;
  push.sha = std::string(40, 'a');
  check(pipeline::compile(*loaded.definition, push), loaded.definition->jobs.size());

  pipeline::Context tag = push;
  tag.is_tag = true;
  tag.source = "merge_request_event";
  tag.changed = std::vector<std::string>{"docs/a.md", "src/x.cc"};
  tag.tree = [] { return std::vector<std::string>{"docs/a.md", "src/x.cc"}; };
  tag.changed_against = [](const std::string& ref) -> std::optional<std::vector<std::string>> {
    if (ref == "main") return std::vector<std::string>{"src/x.cc"};
    return std::nullopt;
  };
  for (const char* name : {"A", "B", "DEPLOY"}) tag.pipeline.push_back({.key = name, .value = "$A/a.*b/i"});
  check(pipeline::compile(*loaded.definition, tag), loaded.definition->jobs.size());
  return 0;
}
