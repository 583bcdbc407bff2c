// Secret: text that must not be printed by accident.
#pragma once

#include <string>
#include <utility>

namespace tidegate {

/// Holds a password or token. It has no formatter and no stream operator; reveal() is easy to search for.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}

  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string text_;
};

/// Compares in time that depends on the lengths only, for tokens that come from outside.
bool equal_in_constant_time(const std::string& a, const std::string& b);

}  // namespace tidegate
