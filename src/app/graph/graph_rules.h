// What a project's file says about a graph's checks, as the rules that the graph is judged by.
#pragma once

#include "config/graph_checks.h"
#include "release/graph.h"

namespace tidegate::app {

/// Names of checks that are unknown or cannot be left out are passed over: lint has told of them.
release::GraphRules graph_rules(const config::GraphChecks& checks);

}  // namespace tidegate::app
