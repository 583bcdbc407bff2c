// What the views of a local run have in common: words, colours, the table at the end.
#pragma once

#include <string>
#include <string_view>

#include "app/local/run_pipeline.h"

namespace tidegate::app {

inline constexpr std::string_view kBold = "\x1b[1m";
inline constexpr std::string_view kDim = "\x1b[2m";
inline constexpr std::string_view kGreen = "\x1b[32m";
inline constexpr std::string_view kRed = "\x1b[31m";
inline constexpr std::string_view kYellow = "\x1b[33m";
inline constexpr std::string_view kReset = "\x1b[0m";

/// `text` between the colour and its end; as it is when `on` is false.
std::string painted(bool on, std::string_view text, std::string_view color);

/// Green for success, red for a failure that counts, yellow for one that does not, else dim.
std::string_view color_of(const LocalJob& job);

/// "failed: exit code 1 (allowed)"
std::string outcome_text(const LocalJob& job);

/// Whether people want this line of a job's log: what the scripts say, and warnings; not what the runner does
/// around them. `plain`: without escapes.
bool is_for_people(const std::string& section, std::string_view plain);

/// Jobs with their time and outcome, under the headings of their stages, and the pipeline's own line.
std::string run_summary(const LocalResult& result, bool color);

}  // namespace tidegate::app
