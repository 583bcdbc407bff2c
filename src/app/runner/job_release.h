// `release:`: what a job asks to be released, made ready.
#pragma once

#include <map>
#include <string>

#include "app/runner/job_context.h"
#include "base/result.h"
#include "config/definition.h"

namespace tidegate::app {

/// The job's release with its variables' values; a description that is the path of a file in the project is
/// that file's text. kInvalid: nothing is left of the tag's name, or it is none.
Result<config::Release> expand_release(const JobContext& job,
                                       const std::map<std::string, std::string>& values);

}  // namespace tidegate::app
