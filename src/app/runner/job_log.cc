#include "app/runner/job_log.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace tidegate::app {

namespace {
constexpr std::string_view kClear = "\x1b[0K";
constexpr std::string_view kGreen = "\x1b[32;1m";
constexpr std::string_view kYellow = "\x1b[0;33m";
constexpr std::string_view kRed = "\x1b[31;1m";
constexpr std::string_view kCyan = "\x1b[36;1m";
constexpr std::string_view kReset = "\x1b[0;m";
constexpr int kLastTries = 3;

std::int64_t unix_seconds(Instant when) {
  return std::chrono::duration_cast<Seconds>(when.time_since_epoch()).count();
}

// One line stays one line: a name from outside must not be able to write lines of its own into the log.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  return line;
}
}  // namespace

JobLog::JobLog(JobIo& io, const Clock& clock, const std::vector<std::string>& secrets,
               JobLogSettings settings)
    : io_(io), clock_(clock), settings_(settings), masker_(secrets) {}

void JobLog::output(std::string_view bytes) {
  if (bytes.empty() || limited_) {
    send_when_due();
    return;
  }
  const std::uint64_t room = settings_.limit - from_job_;
  const std::string_view taken = bytes.substr(0, room);
  from_job_ += taken.size();
  put(taken);
  if (taken.size() == bytes.size()) return;
  limited_ = true;
  warning(
      fmt::format("The job's log exceeded its limit of {} bytes. The job goes on, but no more of its "
                  "output is kept.",
                  settings_.limit));
}

void JobLog::line(std::string_view text) {
  put_line(one_line(text));
}

void JobLog::notice(std::string_view text) {
  put_line(fmt::format("{}{}{}", kGreen, one_line(text), kReset));
}

void JobLog::warning(std::string_view text) {
  put_line(fmt::format("{}WARNING: {}{}", kYellow, one_line(text), kReset));
}

void JobLog::error(std::string_view text) {
  put_line(fmt::format("{}ERROR: {}{}", kRed, one_line(text), kReset));
}

void JobLog::start_section(std::string_view name, std::string_view heading) {
  end_section();
  section_ = name;
  put_line(fmt::format("section_start:{}:{}\r{}{}{}{}{}", unix_seconds(clock_.now()), name, kClear, kClear,
                       kCyan, heading, kReset));
}

void JobLog::end_section() {
  if (section_.empty()) return;
  if (!at_line_start_) put("\n");
  put(fmt::format("section_end:{}:{}\r{}", unix_seconds(clock_.now()), section_, kClear));
  at_line_start_ = true;  // the carriage return: what follows is the same line to a terminal
  section_.clear();
}

void JobLog::put_line(std::string_view text) {
  if (!at_line_start_) put("\n");
  put(text);
  put("\n");
}

void JobLog::put(std::string_view bytes) {
  if (bytes.empty()) return;
  at_line_start_ = bytes.back() == '\n';
  const std::string shown = masker_.feed(bytes);
  if (waiting_.empty()) oldest_ = clock_.now();
  const std::size_t kept = waiting_.size() + unsent_.size();
  const std::size_t room = settings_.backlog - std::min(settings_.backlog, kept);
  waiting_.append(shown, 0, room);
  lost_ += shown.size() - std::min(shown.size(), room);
  send_when_due();
}

void JobLog::send_when_due() {
  if (waiting_.empty()) return;
  const bool due = waiting_.size() >= settings_.piece || clock_.now() - oldest_ >= settings_.delay;
  // While the receiver is down, try again once per delay and not once per byte.
  if (!due || (!unsent_.empty() && clock_.now() - oldest_ < settings_.delay)) return;
  if (!send()) oldest_ = clock_.now();
}

Status JobLog::send() {
  while (!unsent_.empty() || !waiting_.empty()) {
    if (unsent_.empty()) unsent_ = std::exchange(waiting_, {});
    TG_CHECK(io_.append_trace(unsent_));
    unsent_.clear();
  }
  return {};
}

Status JobLog::finish() {
  waiting_ += masker_.finish();
  Status sent = send();
  for (int tries = 1; !sent && tries < kLastTries; ++tries) sent = send();
  if (sent && lost_ > 0) {
    return fail(Errc::kUnavailable, fmt::format("{} bytes of the job's log were lost", lost_));
  }
  return sent;
}

}  // namespace tidegate::app
