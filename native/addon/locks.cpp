// flock(2): at once, waiting, and with a time limit.
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "binding.h"
#include "clock.h"
#include "fd.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace runt {

namespace {

Napi::Value lock(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "fd");
  const int how = LOCK_EX | (args.boolean(1, "wait") ? 0 : LOCK_NB);
  if (retry([&] { return ::flock(fd, how); }) != 0) fail("flock");
  return info.Env().Undefined();
}

Napi::Value lock_shared(const Napi::CallbackInfo &info) {
  const int fd = Arguments(info).fd(0, "fd");
  if (retry([&] { return ::flock(fd, LOCK_SH); }) != 0) fail("flock");
  return info.Env().Undefined();
}

// A process that waits for a lock in place of this one: no descriptor tells that one was released, and to break off
// flock(2) by a timer's signal would take a signal from the engine. It shares the open file with this process, to which
// the lock belongs, and ends when it has it.
class LockWaiter {
 public:
  explicit LockWaiter(int fd) {
    const pid_t parent = ::getpid();
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    // No handler of the engine's is to run in the copy of it.
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_ = ::fork();
    const int error = errno;
    if (pid_ == 0) wait_for_lock(fd, parent);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (pid_ == -1) fail_with(error, "fork");
    pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (pidfd_.valid()) return;
    const int why = errno;
    reap();
    fail_with(why, "pidfd_open");
  }
  ~LockWaiter() {
    if (pid_ != -1) reap();
  }
  LockWaiter(const LockWaiter &) = delete;
  LockWaiter &operator=(const LockWaiter &) = delete;

  int pidfd() const { return pidfd_.get(); }

  // Whether it came to have the lock. One that is killed the moment that it has it leaves it to this process's file
  // nevertheless: who asks again has it at once.
  bool end() {
    const siginfo_t status = reap();
    if (status.si_code != CLD_EXITED) return false;
    if (status.si_status != 0) fail_with(status.si_status, "flock");
    return true;
  }

 private:
  [[noreturn]] static void wait_for_lock(int fd, pid_t parent) {
    // Nobody is to wait for the end of a pipe because of this process.
    if (fd > 0) ::syscall(SYS_close_range, 0, static_cast<unsigned>(fd) - 1, 0);
    ::syscall(SYS_close_range, static_cast<unsigned>(fd) + 1, ~0U, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(ECANCELED);
    ::_exit(retry([&] { return ::flock(fd, LOCK_EX); }) == 0 ? 0 : errno);
  }

  siginfo_t reap() noexcept {
    ::kill(pid_, SIGKILL);
    siginfo_t status = {};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &status, WEXITED) == -1 && errno == EINTR) continue;
    pid_ = -1;
    return status;
  }

  pid_t pid_ = -1;
  Fd pidfd_;
};

// lockWithin(fd, watch, timeoutMs): `locked`, `changed` once `watch` can be read, `late`.
Napi::Value lock_within(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "fd");
  const int watch = args.optional_fd(1, "watch");
  const Deadline deadline(args.integer(2, "timeoutMs", 0, INT32_MAX));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return Napi::String::New(info.Env(), "locked");
  if (errno != EWOULDBLOCK) fail("flock");
  if (deadline.left() == 0) return Napi::String::New(info.Env(), "late");
  LockWaiter waiter(fd);
  for (;;) {
    pollfd entries[] = {{waiter.pidfd(), POLLIN, 0}, {watch, POLLIN, 0}};
    const int ready = ::poll(entries, 2, deadline.left());
    if (ready == -1 && errno == EINTR) continue;
    if (ready == -1) fail("poll");
    if ((entries[1].revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    if (waiter.end()) return Napi::String::New(info.Env(), "locked");
    return Napi::String::New(info.Env(), ready == 0 ? "late" : "changed");
  }
}

} // namespace

void bind_locks(Napi::Object exports) {
  bind<lock>(exports, "lock");
  bind<lock_shared>(exports, "lockShared");
  bind<lock_within>(exports, "lockWithin");
}

} // namespace runt
