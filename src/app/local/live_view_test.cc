#include "app/local/live_view.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/local/trace_lines.h"
#include "base/text.h"
#include "base/width.h"

namespace tidegate::app {
namespace {

using pipeline::JobStatus;

LocalJob job(const std::string& stage, const std::string& name, const std::string& within = "") {
  LocalJob out;
  out.name = name;
  out.stage = stage;
  out.within = within;
  return out;
}
LocalJob ended(LocalJob of, JobStatus status, Millis duration, const std::string& message = "") {
  of.status = status;
  of.attempts = 1;
  of.duration = duration;
  of.message = message;
  return of;
}

class HandClock : public Clock {
 public:
  Instant now() const override { return time; }
  Instant time{Millis{1'750'000'000'000}};
};

// Just enough of a terminal to say what is on its screen: no folding, but a failing test when a line would
// fold.
class Screen {
 public:
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.front() == '\x1b') {
        bytes.remove_prefix(escape(bytes));
      } else if (bytes.front() == '\n' || bytes.front() == '\r') {
        if (bytes.front() == '\n' && ++row_ == lines_.size()) lines_.emplace_back();
        column_ = 0;
        bytes.remove_prefix(1);
      } else {
        const std::size_t end = std::min(bytes.find_first_of("\x1b\r\n"), bytes.size());
        print(bytes.substr(0, end));
        bytes.remove_prefix(end);
      }
    }
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const std::string& line : lines_) {
      const std::size_t end = line.find_last_not_of(' ');
      out.push_back(end == std::string::npos ? "" : line.substr(0, end + 1));
    }
    while (!out.empty() && out.back().empty()) out.pop_back();
    return out;
  }
  bool cursor = true;

 private:
  std::size_t escape(std::string_view bytes) {
    const std::size_t end = bytes.find_first_of("AJKhlm", 2);
    const std::string_view parameter = bytes.substr(2, end - 2);
    if (bytes[end] == 'A') row_ -= std::min<std::size_t>(row_, std::stoul(std::string(parameter)));
    if (bytes[end] == 'K') lines_[row_].resize(column_);
    if (bytes[end] == 'J') {
      lines_[row_].resize(column_);
      lines_.resize(row_ + 1);
    }
    if (bytes[end] == 'h' || bytes[end] == 'l') cursor = bytes[end] == 'h';
    return end + 1;
  }
  void print(std::string_view text) {  // bytes for columns: enough here, a line is always written whole
    std::string& line = lines_[row_];
    line.resize(std::max(line.size(), column_ + text.size()), ' ');
    line.replace(column_, text.size(), text);
    column_ += text.size();
  }

  std::vector<std::string> lines_{""};
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

using Lines = std::vector<std::string>;

class LiveViewTest : public testing::Test {
 protected:
  Lines tick() {
    view_.tick();
    return screen_.lines();
  }
  void line(const std::string& name, const std::string& text) { view_.job_line(name, "step_script", text); }

  HandClock clock_;
  TerminalSize size_{60, 24};
  Screen screen_;
  std::string written_;
  LiveView view_{{.color = false},
                 clock_,
                 [this] { return size_; },
                 [this](std::string_view bytes) {
                   written_ = bytes;
                   screen_.feed(bytes);
                 }};
  LocalJob build_ = job("build", "compile");
  LocalJob unit_ = job("test", "unit");
  LocalJob style_ = job("test", "style");
};

TEST_F(LiveViewTest, ShowsStagesRunningJobsAndResults) {
  view_.jobs_planned({build_, unit_, style_});
  view_.job_started(build_);
  clock_.time += Millis{12'400};
  line("compile", "\x1b[32m[3/9] Building\tx\x1b[0m");
  EXPECT_EQ(tick(), (Lines{"build  0/1", "  ● compile      12s  [3/9] Building    x", "test  0/2",
                           "12s  0 of 3 done, 1 running   Ctrl-C cancels"}));
  EXPECT_FALSE(screen_.cursor);
  view_.job_ended(ended(build_, JobStatus::kSuccess, Millis{12'400}));
  view_.job_started(unit_);
  view_.job_ended(ended(unit_, JobStatus::kFailed, Millis{800}, "exit code 1"));
  view_.job_passed_over(ended(style_, JobStatus::kSkipped, Millis{0}));
  EXPECT_EQ(tick(), (Lines{"build  1/1", "  ✓ compile    12.4s", "test  2/2",
                           "  ✗ unit       800ms  failed: exit code 1", "  - style        0ms  skipped",
                           "12s  3 of 3 done, 0 running, 1 failed   Ctrl-C cancels"}));
}

TEST_F(LiveViewTest, WhatHasNotChangedIsNotWrittenAgain) {
  view_.jobs_planned({build_, unit_});
  view_.job_started(build_);
  tick();
  tick();
  EXPECT_EQ(written_, "\r\x1b[4A\r\n\r\n\r\n\r\n\x1b[J");
}

TEST_F(LiveViewTest, NoticesStayAboveAndTheEndTakesThePictureAway) {
  view_.jobs_planned({build_});
  view_.job_started(build_);
  line("compile", "cc: no such file");
  tick();
  view_.notice("compile is tried again");
  EXPECT_EQ(tick().front(), "-- compile is tried again");
  const LocalJob failed = ended(build_, JobStatus::kFailed, Millis{1500}, "exit code 2");
  view_.job_ended(failed);
  view_.finish({JobStatus::kFailed, {failed}, Millis{1600}});
  EXPECT_TRUE(screen_.cursor);
  EXPECT_EQ(screen_.lines(),
            (Lines{"-- compile is tried again", "", "-- compile failed: exit code 2", "   cc: no such file",
                   "", "build", "  compile      1.5s  failed: exit code 2", "pipeline failed in 1.6s"}));
  written_.clear();
  tick();
  EXPECT_EQ(written_, "");
}

TEST_F(LiveViewTest, JobsOfChildPipelinesHaveTheirOwnStages) {
  view_.jobs_planned({build_});
  view_.jobs_planned({job("build", "compile", "ship")});
  view_.job_started(job("build", "compile", "ship"));
  EXPECT_EQ(tick(), (Lines{"build  0/1", "ship > build  0/1", "  ● compile       0s",
                           "0s  0 of 2 done, 1 running   Ctrl-C cancels"}));
}

TEST_F(LiveViewTest, ANarrowerTerminalHasFoldedWhatStoodThere) {
  view_.jobs_planned({build_});
  view_.job_started(build_);
  line("compile", std::string(100, 'x'));
  tick();
  size_.columns = 30;  // the lines were 10, 59 and 44 columns wide: 1 + 2 + 2 rows now
  tick();
  EXPECT_TRUE(written_.starts_with("\r\x1b[5A\x1b[J")) << written_;
}

TEST_F(LiveViewTest, OneJobAloneIsShownWithAllItsLines) {
  LiveView view(
      {.color = false, .scroll_output = true}, clock_, [this] { return size_; },
      [this](std::string_view bytes) { screen_.feed(bytes); });
  view.jobs_planned({build_});
  view.job_started(build_);
  view.job_line("compile", "step_script", "one");
  view.job_line("compile", "step_script", "two");
  view.job_line("compile", "get_sources", "not for people");
  view.tick();
  EXPECT_EQ(screen_.lines(), (Lines{"one", "two", "build  0/1", "  ● compile       0s",
                                    "0s  0 of 1 done, 1 running   Ctrl-C cancels"}));
}

TEST(LiveFrame, FitsEveryTerminal) {
  LiveState state;
  for (int i = 0; i < 60; ++i) {
    LiveJob one;
    one.job = job("stage " + std::to_string(i / 7), "작업 " + std::to_string(i));
    one.phase = i < 20 ? LivePhase::kOver : i < 40 ? LivePhase::kRunning : LivePhase::kWaiting;
    one.job.status = i % 9 == 4 && i < 20 ? JobStatus::kFailed : JobStatus::kSuccess;
    one.last_line = "한글 " + std::string(300, 'y') + "\x1b[2J";
    state.jobs.push_back(one);
  }
  for (std::size_t rows = 0; rows < 80; rows += 3) {
    for (const std::size_t columns : {0UL, 1UL, 9UL, 40UL, 200UL}) {
      const auto frame = live_frame(state, Instant{Millis{5000}}, {columns, rows}, true);
      ASSERT_LE(frame.size(), std::max<std::size_t>(rows, 2) - 1) << rows;
      for (const FrameLine& line : frame) {
        ASSERT_LE(line.width, std::max<std::size_t>(columns, 2) - 1);
        ASSERT_EQ(display_width(without_escapes(line.bytes)), line.width);
      }
    }
  }
}

TEST(LiveFrame, FoldsWhatIsLeastOfUse) {
  LiveState state;
  for (const char* name : {"a", "b", "c", "d"})
    state.jobs.push_back({.job = job("first", name), .phase = LivePhase::kOver});
  for (LiveJob& one : state.jobs) one.job.status = JobStatus::kSuccess;
  state.jobs[1].job.status = JobStatus::kFailed;
  for (const char* name : {"e", "f"})
    state.jobs.push_back({.job = job("second", name), .phase = LivePhase::kRunning});
  state.jobs.push_back({.job = job("third", "g")});
  const auto names = [&](std::size_t rows) {
    std::string out;
    for (const FrameLine& line : live_frame(state, Instant{}, {80, rows}, false))
      out += std::string(trim(std::string_view(line.bytes).substr(0, 7))) + ";";
    return replace_all(replace_all(out, "● ", ""), "✗ ", "");
  };
  EXPECT_EQ(names(20), "first;✓ a;b;✓ c;✓ d;second;e;f;third;0s  4 o;");
  EXPECT_EQ(names(8), "first;b;second;e;f;third;0s  4 o;");
  EXPECT_EQ(names(7), "b;second;e;f;0s  4 o;");
  EXPECT_EQ(names(4), "e;f;0s  4 o;");
  EXPECT_EQ(names(3), "… a;0s  4 o;");
}

}  // namespace
}  // namespace tidegate::app
