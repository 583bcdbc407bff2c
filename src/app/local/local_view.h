// LocalView: a running pipeline as plain lines for people.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "app/local/run_pipeline.h"

namespace tidegate::app {

struct LocalViewSettings {
  bool color = false;          ///< a terminal: colours of the jobs are kept, and the view has its own
  bool verbose = false;        ///< also what the runner does around the scripts
  std::size_t name_width = 0;  ///< longest job name
};

/// Writes whole lines, each with its line end.
class LocalView : public LocalObserver {
 public:
  using Write = std::function<void(std::string_view)>;
  LocalView(LocalViewSettings settings, Write write) : settings_(settings), write_(std::move(write)) {}

  void stage_started(const std::string& stage) override;
  void job_started(const LocalJob& job) override;
  void job_line(const std::string& job, const std::string& section, std::string_view line) override;
  void job_ended(const LocalJob& job) override;
  void notice(std::string_view text) override;

  /// The table at the end.
  void summary(const LocalResult& result);

 private:
  std::string painted(std::string_view text, std::string_view color) const;

  LocalViewSettings settings_;
  Write write_;
};

/// Width of the longest name of a created job, at most 40.
std::size_t name_width(const pipeline::Plan& plan);

}  // namespace tidegate::app
