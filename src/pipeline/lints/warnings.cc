#include "pipeline/lints/warnings.h"

#include <utility>

namespace tidegate::pipeline::lints {

void Warnings::begin(std::string_view code) {
  code_ = code;
  count_ = 0;
  places_.clear();
}

void Warnings::add(const config::Place& place, std::string job, std::string message, std::string hint) {
  if (count_ >= kMost || !places_.emplace(place.file, place.line, place.column).second) return;
  ++count_;
  list_.push_back({.severity = config::Severity::kWarning,
                   .code = code_,
                   .message = std::move(message),
                   .place = place,
                   .hint = std::move(hint),
                   .job = std::move(job)});
}

}  // namespace tidegate::pipeline::lints
