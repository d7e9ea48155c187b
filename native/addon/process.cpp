// Processes: pidfds, waiting, reaping.
#include <fcntl.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/sched_attr.h"
#include "binding.h"
#include "clock.h"
#include "exit_status.h"
#include "fd.h"

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

namespace {

constexpr int kMaxSignal = 64;

Napi::Value pidfd_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  // Always close-on-exec.
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  // The number is no process any more, but that of a thread, or of a group or session that outlives its leader: EINVAL,
  // and ENOENT for a thread since Linux 6.15.
  if (fd == -1 && (errno == EINVAL || errno == ENOENT)) errno = ESRCH;
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

// pidfdGetFd(pidfd, fd): a descriptor of another process, by its number there (pidfd_getfd(2), Linux 5.6).
Napi::Value pidfd_get_fd(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int pidfd = args.fd(0, "pidfd");
  const int number = args.fd(1, "fd");
  // Always close-on-exec.
  const long fd = ::syscall(SYS_pidfd_getfd, pidfd, number, 0);
  if (fd == -1) fail("pidfd_getfd");
  return Napi::Number::New(info.Env(), static_cast<double>(fd));
}

Napi::Value pidfd_wait(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int pidfd = args.fd(0, "pidfd");
  const Deadline deadline(args.integer(1, "timeoutMs", -1, INT32_MAX));
  for (;;) {
    pollfd entry = {pidfd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, deadline.left());
    if (ready == -1 && errno != EINTR) fail("poll");
    if (ready == 1 && (entry.revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    if (ready == 1) return Napi::Boolean::New(info.Env(), true);
    if (ready == 0) return Napi::Boolean::New(info.Env(), false);
  }
}

// unread(fd): how many bytes of a pipe nobody has read yet.
Napi::Value unread(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  int bytes = 0;
  if (::ioctl(args.fd(0, "fd"), FIONREAD, &bytes) == -1) fail("ioctl");
  return Napi::Number::New(info.Env(), bytes);
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

Napi::Value set_scheduler(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  SchedAttr attributes = {};
  attributes.size = sizeof attributes;
  attributes.policy = static_cast<uint32_t>(args.integer(1, "policy", 0, UINT32_MAX));
  attributes.nice = static_cast<int32_t>(args.integer(2, "nice", -20, 19));
  attributes.priority = static_cast<uint32_t>(args.integer(3, "priority", 0, 99));
  attributes.flags = args.word(4, "flags");
  attributes.runtime = args.word(5, "runtime");
  attributes.deadline = args.word(6, "deadline");
  attributes.period = args.word(7, "period");
  if (::syscall(SYS_sched_setattr, pid, &attributes, 0) != 0) fail("sched_setattr");
  return info.Env().Undefined();
}

Napi::Value set_io_priority(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto pid = static_cast<pid_t>(args.integer(0, "pid", 1, INT32_MAX));
  const auto io_class = args.integer(1, "ioClass", 0, 7);
  const auto priority = args.integer(2, "priority", 0, 8191);
  const auto value = static_cast<int>(io_class << IOPRIO_CLASS_SHIFT | priority);
  if (::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) != 0) fail("ioprio_set");
  return info.Env().Undefined();
}

// namespaces(pid, names): the links of /proc/PID/ns, which stand for the namespaces.
Napi::Value namespaces(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = "/proc/" + std::to_string(args.integer(0, "pid", 1, INT32_MAX)) + "/ns";
  const auto names = args.strings(1, "names");
  // allow path: of the host’s procfs
  const Fd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) fail("open", path);
  auto result = Napi::Array::New(info.Env(), names.size());
  for (uint32_t i = 0; i < names.size(); i++) {
    char target[256];
    const ssize_t size = ::readlinkat(directory.get(), names[i].c_str(), target, sizeof target);
    if (size < 0) fail("readlinkat", path + "/" + names[i]);
    result[i] = Napi::String::New(info.Env(), target, static_cast<size_t>(size));
  }
  return result;
}

Napi::Value become_subreaper(const Napi::CallbackInfo &info) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1) fail("prctl", "PR_SET_CHILD_SUBREAPER");
  return info.Env().Undefined();
}

// pipe(): its two ends, for what a child says.
Napi::Value make_pipe(const Napi::CallbackInfo &info) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", "for what a child says");
  auto result = Napi::Object::New(info.Env());
  result.Set("reader", ends[0]);
  result.Set("writer", ends[1]);
  return result;
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
  bind<pidfd_get_fd>(exports, "pidfdGetFd");
  bind<pidfd_wait>(exports, "pidfdWait");
  bind<unread>(exports, "unread");
  bind<wait>(exports, "wait");
  bind<set_limit>(exports, "setLimit");
  bind<set_scheduler>(exports, "setScheduler");
  bind<set_io_priority>(exports, "setIoPriority");
  bind<namespaces>(exports, "namespaces");
  bind<become_subreaper>(exports, "becomeSubreaper");
  bind<make_pipe>(exports, "pipe");
  bind<exit_now>(exports, "exitNow");
}

} // namespace runt
