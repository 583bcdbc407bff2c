// dotenv reports: variables that one job hands to those that get its artifacts.
#pragma once

#include <filesystem>
#include <string_view>

#include "pipeline/job_message.h"

namespace tidegate::app {

/// KEY=VALUE lines as GitLab reads them: no quotes, no comments, no expansion; lines that are not that are
/// left out. At most 20 variables of 5 KiB in all (GitLab's limits).
pipeline::JobVariables parse_dotenv(std::string_view text);

/// What a stored (gzip) report holds; nothing when it cannot be read.
pipeline::JobVariables read_dotenv(const std::filesystem::path& gzip_file);

}  // namespace tidegate::app
