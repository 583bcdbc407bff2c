#include "app/local/job_graph.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "app/local/testing.h"
#include "app/local/trace_lines.h"
#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {
namespace {

using config::When;
using pipeline::Plan;

void add(Plan& plan, const std::string& stage, const std::string& name,
         std::optional<std::vector<std::string>> needs = {}, When when = When::kOnSuccess) {
  pipeline::PlannedJob job;
  job.name = name;
  job.stage = stage;
  job.created = true;
  job.when = when;
  if (needs) {
    job.needs.emplace();
    for (const std::string& need : *needs) job.needs->push_back({need});
  }
  plan.jobs.push_back(std::move(job));
  if (plan.stages.empty() || plan.stages.back() != stage) plan.stages.push_back(stage);
}

Plan small() {
  Plan plan;
  add(plan, "build", "compile");
  add(plan, "build", "docs", std::vector<std::string>{});
  add(plan, "test", "unit", {{"compile"}});
  add(plan, "test", "e2e", {{"compile", "docs"}});
  add(plan, "test", "style");
  add(plan, "배포", "배포: [eu, \"x\"]", {{"unit", "e2e"}}, When::kManual);
  add(plan, "배포", "report", {}, When::kAlways);
  pipeline::PlannedJob not_there;
  not_there.name = "never";
  not_there.stage = "배포";
  plan.jobs.push_back(not_there);
  return plan;
}

// Sixty jobs as monorepos have them: per part build, two tests and an image; then environments.
Plan sixty() {
  Plan plan;
  std::vector<std::string> images;
  add(plan, "prepare", "toolchain", std::vector<std::string>{});
  for (int i = 0; i < 14; ++i) add(plan, "build", fmt::format("build part-{:02}", i), {{"toolchain"}});
  for (int i = 0; i < 14; ++i)
    add(plan, "test", fmt::format("unit part-{:02}", i), {{fmt::format("build part-{:02}", i)}});
  for (int i = 0; i < 14; ++i)
    add(plan, "test", fmt::format("lint part-{:02}", i), std::vector<std::string>{});
  for (int i = 0; i < 14; ++i) {
    images.push_back(fmt::format("image part-{:02}", i));
    add(plan, "package", images.back(),
        {{fmt::format("unit part-{:02}", i), fmt::format("lint part-{:02}", i)}});
  }
  add(plan, "deploy", "staging", images);
  add(plan, "deploy", "smoke", {{"staging"}});
  add(plan, "deploy", "production", {{"smoke"}}, When::kManual);
  return plan;
}

const std::filesystem::path kGolden = std::filesystem::path(TIDEGATE_SOURCE_DIR) / "tests/golden/graph";

TEST(JobGraph, SmallAsText) {
  expect_golden(kGolden / "small.txt", text_graph(small(), 80));
}
TEST(JobGraph, SmallWithoutRoomForWires) {
  expect_golden(kGolden / "small-narrow.txt", text_graph(small(), 30));
}
TEST(JobGraph, SmallAsMermaid) {
  expect_golden(kGolden / "small.mmd", mermaid_graph(small()));
}
TEST(JobGraph, SmallAsDot) {
  expect_golden(kGolden / "small.dot", dot_graph(small()));
}
TEST(JobGraph, SixtyJobsAsText) {
  expect_golden(kGolden / "sixty.txt", text_graph(sixty(), 120));
}

TEST(JobGraph, NoLineIsWiderThanAsked) {
  for (const Plan& plan : {small(), sixty()}) {
    for (std::size_t columns = 60; columns < 200; columns += 7) {
      const std::string text = text_graph(plan, columns);
      if (text.find("│") == std::string::npos) continue;  // names instead of wires
      for (const std::string& line : split(text, '\n')) {
        if (!line.starts_with("Jobs")) EXPECT_LE(display_width(line), columns);
      }
    }
  }
}

TEST(JobGraph, HostileNamesStayWithinTheirQuotes) {
  Plan plan;
  add(plan, "a\"];x", "b\"]\n --> `c`#35;<script>\\\x1b[2J");
  EXPECT_EQ(mermaid_graph(plan),
            "flowchart LR\n  subgraph s0[\"a#34;]#59;x\"]\n"
            "    j0[\"b#34;]#92;x0a --#62; #96;c#96;#35;35#59;#60;script#62;#92;#92;x1b[2J\"]\n  end\n");
  EXPECT_NE(dot_graph(plan).find("label=\"b\\\"]\\\\x0a --> `c`#35;<script>\\\\\\\\x1b[2J\""),
            std::string::npos)
      << dot_graph(plan);
  EXPECT_EQ(text_graph(plan, 80).find('\x1b'), std::string::npos);
}

TEST(JobGraph, AnEmptyPlanIsAnEmptyDrawing) {
  EXPECT_EQ(text_graph({}, 80), "");
  EXPECT_EQ(mermaid_graph({}), "flowchart LR\n");
}

}  // namespace
}  // namespace tidegate::app
