// What the tests of this room share.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.h"
#include "config/testing.h"
#include "pipeline/plan.h"

namespace tidegate::pipeline {

inline Plan plan_of(std::string_view yaml, const Context& context = {}) {
  const auto loaded = config::testing::load_text(yaml);
  EXPECT_TRUE(loaded.definition) << config::testing::text_of(loaded.diagnostics);
  return loaded.definition ? compile(*loaded.definition, context) : Plan{};
}

inline const PlannedJob& job(const Plan& plan, std::string_view name) {
  const auto found = std::ranges::find(plan.jobs, name, &PlannedJob::name);
  if (found == plan.jobs.end()) throw std::runtime_error("no job " + std::string(name));
  return *found;
}

/// Names of the created jobs.
inline std::string created(const Plan& plan, std::string_view between = " ") {
  std::vector<std::string> out;
  for (const auto& planned : plan.jobs) {
    if (planned.created) out.push_back(planned.name);
  }
  return join(out, between);
}

}  // namespace tidegate::pipeline
