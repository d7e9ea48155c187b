// The signals that this process gets while it stands for a container's process in the foreground.
#pragma once
#include <csignal>
#include <vector>

#include "fd.h"

namespace runt {

// Takes over every signal that can be forwarded, and gives back what was there before.
class SignalCatcher {
 public:
  // `children`: also SIGCHLD. One at a time in a process; throws SystemFailure otherwise.
  explicit SignalCatcher(bool children);
  ~SignalCatcher();
  SignalCatcher(const SignalCatcher &) = delete;
  SignalCatcher &operator=(const SignalCatcher &) = delete;

  // Readable when a signal has come.
  int fd() const { return reader_.get(); }
  // The next signal, or 0.
  int next();

 private:
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
