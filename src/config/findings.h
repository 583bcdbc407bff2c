// Findings: where the passes over one configuration put what they find.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/origins.h"
#include "config/yaml.h"

namespace tidegate::config {

/// Collects diagnostics. The same finding at the same place (through an anchor or extends) is kept once, and
/// a hostile file cannot make more than a few hundred.
class Findings {
 public:
  void add(Diagnostic diagnostic);
  void error(std::string code, const yaml::Mark& mark, std::string message, std::string hint = {});
  void warning(std::string code, const yaml::Mark& mark, std::string message, std::string hint = {});

  /// "Did you mean X?" with the nearest of `count` candidates, or nothing. They are asked for only as long as
  /// there is time for such comparisons: a hostile file has many wrong names and many to compare them with.
  std::string did_you_mean(std::string_view name, std::size_t count,
                           const std::function<std::vector<std::string>()>& candidates);

  /// What is found from now on is about this job; empty: about none.
  void set_job(std::string name) { job_ = std::move(name); }

  /// What the passes note on the way for those who explain findings.
  Origins& origins() { return origins_; }

  bool has_errors() const { return errors_ > 0; }
  std::size_t errors() const { return errors_; }
  /// How many have been reported so far (also such as were not kept).
  std::size_t count() const { return reported_; }
  /// Everything, in the order of the file: the files in order of first appearance, then by line.
  Diagnostics take();

  /// Set when a part of the configuration could not be read (an include that is missing or not supported):
  /// then findings about unknown names would be noise.
  void set_incomplete() { incomplete_ = true; }
  bool incomplete() const { return incomplete_; }

  /// Set when a value is missing for a reason that has been reported (a reference that leads nowhere): then a
  /// keyword that seems absent need not be.
  void set_holes() { holes_ = true; }
  bool has_holes() const { return holes_ || incomplete_; }

 private:
  Diagnostics list_;
  std::string job_;
  Origins origins_;
  std::size_t reported_ = 0;
  std::size_t errors_ = 0;
  std::size_t comparisons_left_ = 30'000;
  bool incomplete_ = false;
  bool holes_ = false;
};

}  // namespace tidegate::config
