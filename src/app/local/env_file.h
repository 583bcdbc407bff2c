// Files of KEY=VALUE lines: variables and secrets for a local run.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "pipeline/job_message.h"

namespace tidegate::app {

/// True for a name that a variable of a shell may have.
bool is_variable_name(std::string_view text);

/// One KEY=VALUE a line, as `docker run --env-file` and dotenv tools write them: blank lines and lines that
/// begin with # are left out, `export ` before the name is allowed, one pair of quotes around the value is
/// taken off (within double quotes \n, \t, \\, \" and \$ are read). Values are taken as they are: a $ in one
/// is a dollar (`raw`). kInvalid names file and line of the first line that is nothing of this; never its
/// value.
Result<pipeline::JobVariables> parse_env_file(std::string_view text, const std::string& file);

}  // namespace tidegate::app
