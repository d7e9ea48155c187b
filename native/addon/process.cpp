// Processes: pidfds, waiting, reaping.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <ctime>

#include "binding.h"
#include "exit_status.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace runt {

Napi::Value exit_status(Napi::Env env, const siginfo_t &info) {
  auto result = Napi::Object::New(env);
  const bool exited = info.si_code == CLD_EXITED;
  result.Set("kind", exited ? "exited" : "signaled");
  result.Set(exited ? "code" : "signal", info.si_status);
  return result;
}

int64_t monotonic_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

namespace {

constexpr int kMaxSignal = 64;

Napi::Value pidfd_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  // Always close-on-exec.
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd == -1) fail("pidfd_open");
  return Napi::Number::New(info.Env(), static_cast<double>(fd));
}

Napi::Value pidfd_signal(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int pidfd = args.fd(0, "pidfd");
  const auto signal = static_cast<int>(args.integer(1, "signal", 0, kMaxSignal));
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == -1) fail("pidfd_send_signal");
  return info.Env().Undefined();
}

Napi::Value pidfd_wait(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int pidfd = args.fd(0, "pidfd");
  const auto timeout = args.integer(1, "timeoutMs", -1, INT32_MAX);
  const int64_t end = monotonic_ms() + timeout;
  for (int64_t left = timeout;; left = end - monotonic_ms()) {
    pollfd entry = {pidfd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, timeout < 0 ? -1 : static_cast<int>(left > 0 ? left : 0));
    if (ready == -1 && errno != EINTR) fail("poll");
    if (ready == 1 && (entry.revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    if (ready == 1) return Napi::Boolean::New(info.Env(), true);
    if (ready == 0) return Napi::Boolean::New(info.Env(), false);
  }
}

Napi::Value wait(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<id_t>(args.integer(0, "pid", 1, INT32_MAX));
  siginfo_t status = {};
  if (retry([&] { return ::waitid(P_PID, pid, &status, WEXITED); }) == -1) fail("waitid");
  return exit_status(info.Env(), status);
}

Napi::Value set_limit(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  const auto resource = static_cast<__rlimit_resource>(args.integer(1, "resource", 0, RLIM_NLIMITS - 1));
  const rlimit64 limit = {args.word(2, "soft"), args.word(3, "hard")};
  if (::prlimit64(pid, resource, &limit, nullptr) != 0) fail("prlimit64");
  return info.Env().Undefined();
}

Napi::Value become_subreaper(const Napi::CallbackInfo &info) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1) fail("prctl", "PR_SET_CHILD_SUBREAPER");
  return info.Env().Undefined();
}

// exitNow(code): leaves without tearing the engine down: everything is written, and the kernel frees the rest.
Napi::Value exit_now(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  ::_exit(static_cast<int>(args.integer(0, "code", 0, 255)));
}

} // namespace

void bind_process(Napi::Object exports) {
  bind<pidfd_open>(exports, "pidfdOpen");
  bind<pidfd_signal>(exports, "pidfdSignal");
  bind<pidfd_wait>(exports, "pidfdWait");
  bind<wait>(exports, "wait");
  bind<set_limit>(exports, "setLimit");
  bind<become_subreaper>(exports, "becomeSubreaper");
  bind<exit_now>(exports, "exitNow");
}

} // namespace runt
