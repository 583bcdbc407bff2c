// JobMessage and its parts as JSON text, for the database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pipeline/bridge.h"
#include "pipeline/job_message.h"
#include "pipeline/machine.h"

namespace tidegate::sqlite {

std::string encode_message(const pipeline::JobMessage& message);
Result<pipeline::JobMessage> decode_message(std::string_view text);

std::string encode_variables(const pipeline::JobVariables& variables);
Result<pipeline::JobVariables> decode_variables(std::string_view text);

std::string encode_strings(const std::vector<std::string>& strings);
Result<std::vector<std::string>> decode_strings(std::string_view text);

std::string encode_bridge(const pipeline::Bridge& bridge);
Result<pipeline::Bridge> decode_bridge(std::string_view text);

/// What of a job's state is not a column: when, needs, retry…
std::string encode_job_rules(const pipeline::JobState& state);
Status decode_job_rules(std::string_view text, pipeline::JobState& state);

}  // namespace tidegate::sqlite
