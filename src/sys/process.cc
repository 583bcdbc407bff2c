#include "sys/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <utility>

#include <fmt/core.h>

#include "base/text.h"
#include "sys/child.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace tidegate::sys {
namespace {

using Steady = std::chrono::steady_clock;
constexpr Millis kStopPoll{50};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

// Descriptors 0 to 2 may be closed in a daemon; a pipe that landed there would be overwritten in the child.
UniqueFd above_stdio(UniqueFd fd) {
  return fd.get() > 2 ? std::move(fd) : UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return errno_error("pipe", errno);
  Pipe pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  pipe.read = above_stdio(std::move(pipe.read));
  pipe.write = above_stdio(std::move(pipe.write));
  if (!pipe.read || !pipe.write) return errno_error("pipe", errno);
  return pipe;
}

void set_nonblocking(int fd) {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// Blocks SIGPIPE on this thread while it lives and swallows the one that a write may have left pending, so
// that a child which does not read its input cannot end us. An earlier pending SIGPIPE is left alone.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &old_mask_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    const timespec now{};
    while (!was_pending_ && ::sigtimedwait(&sigpipe_, nullptr, &now) == SIGPIPE) {
    }
    ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  }

 private:
  sigset_t sigpipe_{};
  sigset_t old_mask_{};
  bool was_pending_ = false;
};

// One conversation with a child: feeds its input, hands over its output, watches the clock and the flag.
class Session {
 public:
  Session(const Command& command, const StopFlag* stop) : command_(command), stop_(stop) {}

  Result<Exit> talk(const OnBytes& on_out, const OnBytes& on_err) {
    TG_CHECK(check_command(command_));
    TG_CHECK(open_pipes(static_cast<bool>(on_err)));
    TG_TRY(Child child, Child::start(command_, child_in_.get(), child_out_.get(),
                                     child_err_ ? child_err_.get() : child_out_.get()));
    child_in_.reset();
    child_out_.reset();
    child_err_.reset();
    start_ = Steady::now();
    const SigpipeGuard guard;
    while (!ended_) step(child, on_out, on_err);
    const std::optional<int> status = child.reap();
    // What the child wrote before its end is in the pipes; a stranger that left the group may hold them open
    // for ever, so take what is there instead of waiting for the end of file.
    drain(out_, on_out);
    drain(err_, on_err);
    if (!status) {
      return fail(Errc::kInternal, command_.argv[0] + ": its exit status was taken by somebody else");
    }
    return finish(*status);
  }

  /// Ends the child at once; for callbacks.
  void abort() { aborted_ = true; }

 private:
  Status open_pipes(bool separate_err) {
    if (command_.input.empty()) {
      child_in_ = above_stdio(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
      if (!child_in_) return errno_error("open /dev/null", errno);
    } else {
      TG_TRY(Pipe pipe, make_pipe());
      child_in_ = std::move(pipe.read);
      in_ = std::move(pipe.write);
      set_nonblocking(in_.get());
    }
    TG_TRY(Pipe out, make_pipe());
    child_out_ = std::move(out.write);
    out_ = std::move(out.read);
    set_nonblocking(out_.get());
    if (separate_err) {
      TG_TRY(Pipe err, make_pipe());
      child_err_ = std::move(err.write);
      err_ = std::move(err.read);
      set_nonblocking(err_.get());
    }
    return {};
  }

  void step(const Child& child, const OnBytes& on_out, const OnBytes& on_err) {
    std::array<pollfd, 4> fds{pollfd{in_.get(), POLLOUT, 0}, pollfd{out_.get(), POLLIN, 0},
                              pollfd{err_.get(), POLLIN, 0}, pollfd{child.pidfd(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), poll_timeout());
    if (ready > 0) {
      if (fds[0].revents != 0) feed();
      if (fds[1].revents != 0) take(out_, on_out);
      if (fds[2].revents != 0) take(err_, on_err);
      if (fds[3].revents != 0) ended_ = true;
    }
    enforce(child);
  }

  int poll_timeout() const {
    std::optional<Millis> wait;
    if (stop_ != nullptr && !stopped_) wait = kStopPoll;
    if (const auto due = next_deadline()) {
      const auto left = std::max(Millis{0}, std::chrono::ceil<Millis>(*due - Steady::now()));
      wait = wait ? std::min(*wait, left) : left;
    }
    return wait ? static_cast<int>(std::min<Millis::rep>(wait->count(), 60'000)) : -1;
  }

  std::optional<Steady::time_point> next_deadline() const {
    if (killed_) return std::nullopt;
    if (term_at_) return *term_at_ + command_.grace;
    if (command_.timeout) return start_ + *command_.timeout;
    return std::nullopt;
  }

  void enforce(const Child& child) {
    if (ended_) return;
    if (aborted_) child.signal(SIGKILL);
    const auto now = Steady::now();
    if (!term_at_) {
      stopped_ = stop_ != nullptr && stop_->stop_requested();
      timed_out_ = !stopped_ && command_.timeout && now >= start_ + *command_.timeout;
      if (!stopped_ && !timed_out_) return;
      child.signal(SIGTERM);
      child.signal(SIGCONT);  // a stopped process would not notice
      term_at_ = now;
    } else if (!killed_ && now >= *term_at_ + command_.grace) {
      child.signal(SIGKILL);
      killed_ = true;
    }
  }

  void feed() {
    const std::string_view left = std::string_view(command_.input).substr(fed_);
    const ssize_t n = ::write(in_.get(), left.data(), left.size());
    if (n > 0) fed_ += static_cast<std::size_t>(n);
    const bool broken = n < 0 && errno != EAGAIN && errno != EINTR;  // EPIPE: it does not want more
    if (broken || fed_ == command_.input.size()) in_.reset();
  }

  // One read; false when there is nothing more for now.
  bool take(UniqueFd& fd, const OnBytes& on_bytes) {
    if (!fd) return false;
    const ssize_t n = ::read(fd.get(), buffer_.data(), buffer_.size());
    if (n > 0) {
      if (on_bytes) on_bytes(std::string_view(buffer_.data(), static_cast<std::size_t>(n)));
      return true;
    }
    if (n < 0 && errno == EINTR) return true;
    if (n == 0 || errno != EAGAIN) fd.reset();
    return false;
  }

  // Bounded by what a pipe holds (at most 1 MiB unprivileged), lest a stranger that writes without end keep
  // us.
  void drain(UniqueFd& fd, const OnBytes& on_bytes) {
    for (int i = 0; i < 64 && take(fd, on_bytes); ++i) {
    }
  }

  Exit finish(int status) const {
    Exit exit;
    exit.timed_out = timed_out_;
    exit.stopped = stopped_;
    if (WIFSIGNALED(status)) {
      exit.signal = WTERMSIG(status);
      exit.exit_code = 128 + WTERMSIG(status);
    } else {
      exit.exit_code = WEXITSTATUS(status);
    }
    return exit;
  }

  const Command& command_;
  const StopFlag* stop_;
  UniqueFd child_in_, child_out_, child_err_;  // the child's ends
  UniqueFd in_, out_, err_;                    // ours
  Steady::time_point start_;
  std::optional<Steady::time_point> term_at_;
  bool killed_ = false;
  bool ended_ = false;
  bool timed_out_ = false;
  bool stopped_ = false;
  bool aborted_ = false;
  std::size_t fed_ = 0;
  std::array<char, 65536> buffer_{};
};

std::string last_lines(std::string_view text, std::size_t lines) {
  text = trim(text);
  std::size_t start = text.size();
  while (lines-- > 0 && start > 0) {
    const std::size_t at = text.rfind('\n', start - 1);
    start = at == std::string_view::npos ? 0 : at;
  }
  return printable(trim(text.substr(start)), 2000);
}

}  // namespace

Result<Exit> run_streaming(const Command& command, const OnBytes& on_out, const OnBytes& on_err,
                           const StopFlag* stop) {
  Session session(command, stop);
  return session.talk(on_out, on_err);
}

Result<Captured> run(const Command& command, const StopFlag* stop) {
  Captured captured;
  bool too_much = false;
  Session session(command, stop);
  const auto keep = [&](std::string& where, std::string_view bytes) {
    too_much = too_much || captured.out.size() + captured.err.size() + bytes.size() > command.max_output;
    if (too_much) {
      session.abort();
    } else {
      where.append(bytes);
    }
  };
  TG_TRY(captured.exit, session.talk([&](std::string_view bytes) { keep(captured.out, bytes); },
                                     [&](std::string_view bytes) { keep(captured.err, bytes); }));
  if (too_much) {
    return fail(Errc::kFailed,
                fmt::format("{} printed more than {} bytes", command.argv[0], command.max_output));
  }
  return captured;
}

Result<std::string> run_checked(const Command& command, const StopFlag* stop) {
  TG_TRY(Captured captured, run(command, stop));
  const Exit& exit = captured.exit;
  if (exit.ok()) return std::move(captured.out);
  std::string how = fmt::format("exit code {}", exit.exit_code);
  if (exit.stopped) return fail(Errc::kCanceled, command.argv[0] + ": stopped");
  if (exit.timed_out) {
    return fail(Errc::kUnavailable,
                fmt::format("{}: not done after {}", command.argv[0], format_duration(*command.timeout)));
  }
  if (exit.signal) how = fmt::format("ended by signal {}", *exit.signal);
  const std::string said = last_lines(captured.err, 5);
  return fail(Errc::kFailed, fmt::format("{}: {}{}{}", command.argv[0], how, said.empty() ? "" : ": ", said));
}

}  // namespace tidegate::sys
