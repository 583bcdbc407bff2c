// LocalView: a running pipeline as plain lines for people.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "app/local/run_pipeline.h"

namespace tidegate::app {

struct LocalViewSettings {
  bool color = false;    ///< a terminal: colours of the jobs are kept, and the view has its own
  bool verbose = false;  ///< also what the runner does around the scripts
};

/// Writes whole lines, each with its line end.
class LocalView : public LocalObserver {
 public:
  using Write = std::function<void(std::string_view)>;
  LocalView(LocalViewSettings settings, Write write) : settings_(settings), write_(std::move(write)) {}

  void jobs_planned(const std::vector<LocalJob>& jobs) override;
  void job_started(const LocalJob& job) override;
  void job_line(const std::string& job, const std::string& section, std::string_view line) override;
  void job_ended(const LocalJob& job) override;
  void job_passed_over(const LocalJob&) override {}
  void notice(std::string_view text) override;

  /// The table at the end.
  void summary(const LocalResult& result);

 private:
  std::string prefix(const std::string& job) const;

  LocalViewSettings settings_;
  Write write_;
  std::size_t name_width_ = 0;  ///< columns
  std::set<std::string> started_stages_;
};

}  // namespace tidegate::app
