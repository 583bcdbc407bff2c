// What the server does for a job beside running it, as JSON text, for the database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/definition.h"
#include "pipeline/job_options.h"

namespace tidegate::sqlite {

struct StoredOptions {
  pipeline::JobOptions options;
  std::optional<config::Environment> environment;
};

std::string encode_options(const StoredOptions& stored);
/// An empty text (a job from before there were options) is no options.
Result<StoredOptions> decode_options(std::string_view text);

std::string encode_release(const config::Release& release);
Result<config::Release> decode_release(std::string_view text);

}  // namespace tidegate::sqlite
