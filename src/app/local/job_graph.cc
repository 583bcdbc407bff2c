#include "app/local/job_graph.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/core.h>

#include "base/text.h"

namespace tidegate::app {

namespace {

using pipeline::PlannedJob;

// "deploy (manual)": what people ask of a job in a drawing.
std::string label_of(const PlannedJob& job) {
  std::string out = job.name;
  if (job.when == config::When::kManual) out += " (manual)";
  if (job.when == config::When::kDelayed) out += " (delayed)";
  if (job.when == config::When::kOnFailure) out += " (on failure)";
  if (job.when == config::When::kAlways) out += " (always)";
  return out;
}

// The nodes and edges of both graph languages. A gate stands before a stage and follows everything before it,
// so that jobs without needs cost one edge each and not one for each job before them.
struct Graph {
  struct Stage {
    std::string name;
    std::vector<std::size_t> jobs;
    bool gate = false;
  };
  std::vector<const PlannedJob*> jobs;
  std::vector<Stage> stages;
  std::vector<std::pair<std::string, std::string>> edges;  // ids: j<job>, g<stage>
};

std::string job_id(std::size_t index) {
  return fmt::format("j{}", index);
}
std::string gate_id(std::size_t index) {
  return fmt::format("g{}", index);
}

Graph graph_of(const pipeline::Plan& plan) {
  Graph graph;
  std::map<std::string, std::size_t> index;
  for (const PlannedJob& job : plan.jobs) {
    if (!job.created) continue;
    if (graph.stages.empty() || graph.stages.back().name != job.stage)
      graph.stages.push_back({job.stage, {}, false});
    index.emplace(job.name, graph.jobs.size());
    graph.stages.back().jobs.push_back(graph.jobs.size());
    graph.jobs.push_back(&job);
  }
  std::vector<std::string> before;  // what the next gate has to follow
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    Graph::Stage& stage = graph.stages[s];
    const auto by_stage = [&](std::size_t job) { return !graph.jobs[job]->needs.has_value(); };
    stage.gate = s > 0 && std::ranges::any_of(stage.jobs, by_stage);
    if (stage.gate) {
      for (const std::string& id : before) graph.edges.emplace_back(id, gate_id(s));
      before = {gate_id(s)};
    }
    for (const std::size_t job : stage.jobs) {
      if (by_stage(job)) {
        if (stage.gate) graph.edges.emplace_back(gate_id(s), job_id(job));
      } else {
        for (const auto& need : *graph.jobs[job]->needs) {
          if (const auto found = index.find(need.job); found != index.end())
            graph.edges.emplace_back(job_id(found->second), job_id(job));
        }
      }
      before.push_back(job_id(job));
    }
  }
  return graph;
}

// Mermaid reads #NN; as the character with that number. Everything it might read as its own is written so.
std::string mermaid_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text, 200)) {
    if (c == '"' || c == '#' || c == '<' || c == '>' || c == '&' || c == '`' || c == ';' || c == '\\') {
      out += fmt::format("#{};", static_cast<int>(c));
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string dot_text(std::string_view text) {
  return replace_all(replace_all(printable(text, 200), "\\", "\\\\"), "\"", "\\\"");
}

}  // namespace

std::string mermaid_graph(const pipeline::Plan& plan) {
  const Graph graph = graph_of(plan);
  std::string out = "flowchart LR\n";
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    out += fmt::format("  subgraph s{}[\"{}\"]\n", s, mermaid_text(graph.stages[s].name));
    for (const std::size_t job : graph.stages[s].jobs)
      out += fmt::format("    j{}[\"{}\"]\n", job, mermaid_text(label_of(*graph.jobs[job])));
    out += "  end\n";
    if (graph.stages[s].gate) out += fmt::format("  g{}(( ))\n", s);
  }
  for (const auto& [from, to] : graph.edges) out += fmt::format("  {} --> {}\n", from, to);
  std::string dashed;
  for (std::size_t job = 0; job < graph.jobs.size(); ++job) {
    if (graph.jobs[job]->when == config::When::kManual) dashed += (dashed.empty() ? "" : ",") + job_id(job);
  }
  if (!dashed.empty())
    out += fmt::format("  classDef manual stroke-dasharray:4\n  class {} manual\n", dashed);
  return out;
}

std::string dot_graph(const pipeline::Plan& plan) {
  const Graph graph = graph_of(plan);
  std::string out = "digraph pipeline {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n";
  for (std::size_t s = 0; s < graph.stages.size(); ++s) {
    out += fmt::format("  subgraph cluster_{} {{\n    label=\"{}\";\n", s, dot_text(graph.stages[s].name));
    for (const std::size_t job : graph.stages[s].jobs) {
      const bool manual = graph.jobs[job]->when == config::When::kManual;
      out += fmt::format("    j{} [label=\"{}\"{}];\n", job, dot_text(label_of(*graph.jobs[job])),
                         manual ? ", style=\"rounded,dashed\"" : "");
    }
    out += "  }\n";
    if (graph.stages[s].gate) out += fmt::format("  g{} [shape=point, label=\"\"];\n", s);
  }
  for (const auto& [from, to] : graph.edges) out += fmt::format("  {} -> {};\n", from, to);
  return out + "}\n";
}

}  // namespace tidegate::app
