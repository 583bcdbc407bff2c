// Interrupts: what Ctrl-C, SIGTERM and Ctrl-Z do while a pipeline runs.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include "sys/process.h"

namespace tidegate::main {

/// SIGINT, SIGTERM or SIGHUP once: `cancel` is asked to stop. Once more: `at_once` is called and the process
/// ends with 128 + signal; a third one ends it whatever at_once does. Signals are taken by a thread of their
/// own, so nothing happens inside a signal handler. Made before other threads are, because these inherit its
/// mask.
class Interrupts {
 public:
  struct Actions {
    std::function<void()> at_once;
    /// Ctrl-Z: before the process is stopped, and after it goes on. Empty: Ctrl-Z stops it as ever.
    std::function<void()> before_stop{};
    std::function<void()> after_stop{};
  };
  Interrupts(sys::StopFlag& cancel, Actions actions);
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts();

  /// The first signal that came; 0: none.
  int received() const { return received_.load(); }

 private:
  void serve(const sigset_t& set);
  void stop_process();

  sys::StopFlag& cancel_;
  Actions actions_;
  sigset_t before_{};  // the mask of whoever made this
  std::atomic<int> received_{0};
  std::thread thread_;
};

}  // namespace tidegate::main
