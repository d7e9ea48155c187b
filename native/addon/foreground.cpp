// foreground(pid, pidfd, terminal, notify, host): stands for the container's process until it ends: what is sent or
// typed to runt reaches it, and the service manager hears that it is ready (notify.h).
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <memory>
#include <optional>

#include "binding.h"
#include "exit_status.h"
#include "notify.h"
#include "relay.h"
#include "signals.h"

namespace runt {

namespace {

// More than a pseudoterminal holds: what a process that lives on keeps writing is not waited for.
constexpr int kDrainSteps = 256;
// For a service manager that is busy when the container has ended.
constexpr int kLastWordMs = 1000;

// A library's caller may have children of its own, whose status is theirs; a subreaper asked for everybody's.
bool is_subreaper() {
  int subreaper = 0;
  return ::prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && subreaper != 0;
}

// Signals that came since holdSignals(true), for the foreground that follows.
std::unique_ptr<SignalCatcher> held_signals;

class Foreground {
 public:
  Foreground(pid_t pid, int pidfd, int terminal, SignalCatcher &signals) : pid_(pid), pidfd_(pidfd), signals_(signals) {
    if (terminal >= 0) relay_.emplace(terminal);
  }

  // The service's main process is this one: it stays as long as the container's.
  void notify(int container, int host) { notify_.emplace(container, host, ::getpid()); }

  siginfo_t run() {
    while (!turn()) {
    }
    if (relay_) drain();
    if (notify_) tell_last();
    if (status_.si_pid == 0 &&
        retry([&] { return ::waitid(P_PID, static_cast<id_t>(pid_), &status_, WEXITED); }) == -1) {
      fail("waitid");
    }
    return status_;
  }

 private:
  // Waits for something to do and does it; true when the process has ended.
  bool turn() {
    pollfd entries[2 + TerminalRelay::kEntries + NotifyRelay::kEntries] = {{pidfd_, POLLIN, 0},
                                                                           {signals_.fd(), POLLIN, 0}};
    const int timeout = relay_ ? relay_->prepare(entries + 2) : -1;
    nfds_t count = relay_ ? 2 + TerminalRelay::kEntries : 2;
    pollfd *const notify = entries + count;
    if (notify_) {
      notify_->prepare(notify);
      count += NotifyRelay::kEntries;
    }
    if (::poll(entries, count, timeout) == -1) {
      if (errno == EINTR) return false;
      fail("poll");
    }
    if ((entries[0].revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    while (const int signal = signals_.next()) forward(signal);
    if (relay_) relay_->move(entries + 2);
    if (notify_) notify_->move(notify);
    return entries[0].revents != 0;
  }

  void forward(int signal) {
    if (signal == SIGCHLD) {
      reap_all();
    } else if (signal == SIGWINCH) {
      if (relay_) relay_->copy_size();
    } else {
      // It may be gone by now, which the next turn finds out.
      ::syscall(SYS_pidfd_send_signal, pidfd_, signal, nullptr, 0);
    }
  }

  void reap_all() {
    for (;;) {
      siginfo_t info = {};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
      if (info.si_pid == pid_) status_ = info;
    }
  }

  // Hands on what the program wrote last. A signal that asks to end breaks the wait for a reader that does not read.
  void drain() {
    for (int step = 0; step < kDrainSteps; step++) {
      while (relay_->output_pending()) {
        pollfd entries[] = {{STDOUT_FILENO, POLLOUT, 0}, {signals_.fd(), POLLIN, 0}};
        if (::poll(entries, 2, -1) == -1 && errno != EINTR) return;
        while (const int signal = signals_.next()) {
          if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT) return;
        }
        if (entries[0].revents != 0) relay_->write_output();
      }
      if (relay_->drain_step()) return;
    }
  }

  // The container may have said that it is ready, and ended.
  void tell_last() {
    notify_->drain();
    while (notify_->state() == NotifyRelay::State::sending) {
      pollfd entries[NotifyRelay::kEntries];
      notify_->prepare(entries);
      entries[0].fd = -1;
      if (retry([&] { return ::poll(entries, NotifyRelay::kEntries, kLastWordMs); }) <= 0) return;
      notify_->move(entries);
    }
  }

  const pid_t pid_;
  const int pidfd_;
  // The relay goes first: a signal that comes while the terminal is restored must not end this process half-way.
  SignalCatcher &signals_;
  std::optional<TerminalRelay> relay_;
  std::optional<NotifyRelay> notify_;
  siginfo_t status_ = {};
};

Napi::Value foreground(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  const int pidfd = args.fd(1, "pidfd");
  const int terminal = args.optional_fd(2, "terminal");
  const int notify = args.optional_fd(3, "notify");
  const int host = args.optional_fd(4, "host");
  std::unique_ptr<SignalCatcher> signals = std::move(held_signals);
  if (!signals) signals = std::make_unique<SignalCatcher>(is_subreaper());
  Foreground stand_in(pid, pidfd, terminal, *signals);
  if (notify >= 0 && host >= 0) stand_in.notify(notify, host);
  return exit_status(info.Env(), stand_in.run());
}

// holdSignals(hold): from now on signals wait for the foreground that follows; false: they have their former meaning
// again.
Napi::Value hold_signals(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  if (!args.boolean(0, "hold"))
    held_signals.reset();
  else if (!held_signals)
    held_signals = std::make_unique<SignalCatcher>(is_subreaper());
  return info.Env().Undefined();
}

} // namespace

void bind_foreground(Napi::Object exports) {
  bind<foreground>(exports, "foreground");
  bind<hold_signals>(exports, "holdSignals");
}

} // namespace runt
