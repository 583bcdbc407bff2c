// A job's log as lines for people.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tidegate::app {

/// Takes the section marks out and tells each line with the section it is in. Of a line that was overwritten
/// (carriage returns, as progress bars do) only the last state is kept. Lines longer than 64 KiB are told in
/// pieces.
class TraceLines {
 public:
  using OnLine = std::function<void(const std::string& section, std::string_view line)>;
  explicit TraceLines(OnLine on_line) : on_line_(std::move(on_line)) {}

  void feed(std::string_view bytes);
  /// A last line without its end.
  void finish();

 private:
  void end_line();

  OnLine on_line_;
  std::string line_;
  std::string section_;
};

/// Without colours and other escape sequences of terminals (ECMA-48 CSI), for files and pipes.
std::string without_escapes(std::string_view text);

/// Of the escape sequences only those that set colours (CSI … m) stay; tabs become blanks and other control
/// characters go, so that a line cannot move the cursor.
std::string with_colors_only(std::string_view text);

}  // namespace tidegate::app
