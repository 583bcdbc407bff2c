// The created jobs of a plan as a drawing: Mermaid, DOT, or text for a terminal. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "pipeline/plan.h"

namespace tidegate::app {

/// A flowchart for Markdown that renders Mermaid (GitHub, GitLab). Stages are subgraphs, needs are arrows;
/// jobs without needs hang on a small circle that everything before their stage leads to.
std::string mermaid_graph(const pipeline::Plan& plan);

/// The same for Graphviz.
std::string dot_graph(const pipeline::Plan& plan);

/// Stages as headings, one line per job, needs as wires at the right: a wire leaves the jobs that are needed
/// and enters, with an arrow, those that need them. Jobs that are needed by the same jobs share a wire. When
/// the wires do not fit into `columns`, needs are written as names.
std::string text_graph(const pipeline::Plan& plan, std::size_t columns);

}  // namespace tidegate::app
