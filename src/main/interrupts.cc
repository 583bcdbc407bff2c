#include "main/interrupts.h"

#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace tidegate::main {

namespace {

constexpr int kWake = SIGUSR1;  // ends the thread

}  // namespace

Interrupts::Interrupts(sys::StopFlag& cancel, Actions actions)
    : cancel_(cancel), actions_(std::move(actions)) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, kWake}) sigaddset(&set, signal);
  if (actions_.before_stop) sigaddset(&set, SIGTSTP);
  pthread_sigmask(SIG_BLOCK, &set, &before_);
  thread_ = std::thread([this, set] { serve(set); });
}

Interrupts::~Interrupts() {
  pthread_kill(thread_.native_handle(), kWake);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::serve(const sigset_t& set) {
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0 || signal == kWake) return;
    if (signal == SIGTSTP) {
      stop_process();
      continue;
    }
    int none = 0;
    if (received_.compare_exchange_strong(none, signal)) {
      cancel_.request_stop();
      continue;
    }
    sigset_t open = set;
    sigdelset(&open, kWake);
    pthread_sigmask(SIG_UNBLOCK, &open, nullptr);  // the next one ends the process by its default
    actions_.at_once();
    _exit(128 + signal);
  }
}

void Interrupts::stop_process() {
  actions_.before_stop();
  kill(getpid(), SIGSTOP);
  actions_.after_stop();
}

}  // namespace tidegate::main
