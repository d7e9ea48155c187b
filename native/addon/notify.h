// Between a container that says that it is ready (sd_notify(3)) and the service manager that runt was started by.
#pragma once
#include <poll.h>
#include <sys/types.h>

#include <cstddef>

#include "fd.h"

namespace runt {

// Waits for READY=1 from the container and tells the host so, once, with the pid of the service's main process;
// everything else that the container says ends here. All sockets belong to the caller. Nothing of it waits.
class NotifyRelay {
 public:
  NotifyRelay(int container, int host, pid_t main) : container_(container), host_(host), main_(main) {}

  static constexpr size_t kEntries = 2;
  // Fills kEntries entries for poll(2).
  void prepare(pollfd *entries) const;
  // Moves what can be moved.
  void move(const pollfd *entries);
  // The container has ended: takes what it said last.
  void drain();

  enum class State {
    // The container has not said that it is ready.
    waiting,
    // Messages are on their way to the host.
    sending,
    // The host has not taken all of them.
    barrier,
    done
  };
  State state() const { return state_; }
  // errno of a message that could not be sent; 0: none.
  int error() const { return error_; }

 private:
  bool take();
  void send_next();
  Fd send_barrier();

  int container_;
  const int host_;
  const pid_t main_;
  State state_ = State::waiting;
  int sent_ = 0;
  int error_ = 0;
  Fd barrier_;
};

} // namespace runt
