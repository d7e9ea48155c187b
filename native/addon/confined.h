// A process that can compute, read from and write to the descriptors that it was given, and do nothing else: for code
// that takes apart what strangers wrote. It has no capabilities and never gets any, no way to open, connect or execute
// anything, and limits on its memory; a call that its filter does not have ends it (SIGSYS).
//
// It is a fork of this process, so whatever it uses must be loaded before. It writes what it finds to a pipe; who reads
// that must not believe it.
#pragma once
#include <sys/types.h>

#include <functional>
#include <initializer_list>

#include "fd.h"

namespace runt {

class Confined {
 public:
  // Runs `work` there, whose result is the exit status, with the given descriptors as 0, 1, 2 … and no others. Where
  // the process cannot be confined, `failed` is run in it instead, with an errno and the call, and it ends with 1.
  Confined(std::initializer_list<int> descriptors, const std::function<int()> &work,
           const std::function<void(int error, const char *call)> &failed);
  Confined(const Confined &) = delete;
  Confined &operator=(const Confined &) = delete;
  // Kills it, if it has not ended.
  ~Confined();

  struct End {
    // The signal that ended it, or 0.
    int signal;
    int status;
  };
  // Waits for its end.
  End wait();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
};

} // namespace runt
