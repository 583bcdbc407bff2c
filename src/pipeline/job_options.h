// JobOptions: what the server does for a job beside having it run. Never sent to a runner.
#pragma once

#include <string>
#include <vector>

#include "config/definition.h"

namespace tidegate::pipeline {

struct JobOptions {
  std::string coverage;  ///< RE2, without slashes; empty: no number is looked for in the log
  std::vector<config::IdToken> id_tokens;  ///< audiences expanded
  std::string manual_confirmation;         ///< what whoever starts the job is asked
  std::string artifacts_access;            ///< "none": nobody may download them; else empty

  friend bool operator==(const JobOptions&, const JobOptions&) = default;
};

}  // namespace tidegate::pipeline
