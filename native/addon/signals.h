// The signals that this process gets while it stands for a container's process in the foreground, or waits for events.
#pragma once
#include <csignal>
#include <vector>

#include "fd.h"

namespace runt {

// Takes over signals, and gives back what was there before.
class SignalCatcher {
 public:
  // Every signal that can be forwarded; `children`: also SIGCHLD. One at a time in a process; throws SystemFailure
  // otherwise.
  explicit SignalCatcher(bool children);
  // These signals alone.
  explicit SignalCatcher(const std::vector<int> &signals);
  ~SignalCatcher();
  SignalCatcher(const SignalCatcher &) = delete;
  SignalCatcher &operator=(const SignalCatcher &) = delete;

  // Readable when a signal has come.
  int fd() const { return reader_.get(); }
  // The next signal, or 0.
  int next();

 private:
  void open();
  void take(int signal);

  struct Former {
    int signal;
    struct sigaction action;
  };

  Fd reader_;
  Fd writer_;
  std::vector<Former> former_;
};

} // namespace runt
