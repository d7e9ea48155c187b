// The clone. The child shares this process's memory (CLONE_VM, so that no page table is copied) and runs while the
// calling thread waits (CLONE_VFORK). Other threads of the engine go on meanwhile: any lock may be held, so the child
// makes raw system calls only: no allocation, no libc, not even errno, which is the calling thread's.
#include "child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "../common/raw_syscall.h"
#include "failure.h"
#include "place.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace runt {

namespace {

using sys::raw;
using sys::word;

constexpr size_t kStackSize = 64 << 10;
constexpr int kLastSignal = 64;

// The kernel's struct sigaction, all zero: SIG_DFL, no flags, empty mask (x86-64 has one word more than arm64).
struct KernelSigaction {
  uint64_t words[4];
};

#if defined(__x86_64__)
// clone3(2); the child calls `run(argument)` on its own stack and never comes back. Returns the pid or -errno.
__attribute__((noinline)) long clone3_call(clone_args *args, void (*run)(void *), void *argument) {
  long result;
  // The kernel keeps every register but rax, rcx and r11 for both sides.
  register void (*r8)(void *) __asm__("r8") = run;
  register void *r9 __asm__("r9") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(static_cast<long>(SYS_clone3)), "D"(args), "S"(sizeof *args), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory", "cc");
  return result;
}
#elif defined(__aarch64__)
__attribute__((noinline)) long clone3_call(clone_args *args, void (*run)(void *), void *argument) {
  register long x8 __asm__("x8") = SYS_clone3;
  register long x0 __asm__("x0") = reinterpret_cast<long>(args);
  register long x1 __asm__("x1") = sizeof *args;
  register void (*x2)(void *) __asm__("x2") = run;
  register void *x3 __asm__("x3") = argument;
  __asm__ volatile(
      "svc 0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x30, xzr\n\t"
      "mov x0, x3\n\t"
      "blr x2\n\t"
      "brk #1\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
      : "memory", "cc");
  return x0;
}
#endif

// What the child needs, and where it leaves word of its failure: on the waiting parent's stack.
struct Order {
  int executable;
  const char *path;
  char *const *args;
  char *const *env;
  const char *directory;
  const int *streams;
  unsigned preserve;
  const int *keep;
  size_t keep_count;
  const rlimit *files;
  bool own_group;
  // cgroup.procs of the cgroup to move to, or -1.
  int procs;
  // The child ran its first instruction.
  bool begun;
  const char *failed_call;
  int error;
};

// Without the address sanitizer, as run_child: it looks at the stack before what does not return, and knows another
// one.
[[noreturn]] __attribute__((no_sanitize("address"))) void leave() {
  for (;;) raw(SYS_exit_group, 127);
}

__attribute__((no_sanitize("address"))) void check(Order &order, const char *call, long result) {
  if (result >= 0) return;
  order.failed_call = call;
  order.error = static_cast<int>(-result);
  leave();
}

void inherit(Order &order, int fd) { check(order, "fcntl", raw(SYS_fcntl, fd, F_SETFD, 0)); }

// Runs in the child. All signals are blocked until no handler of the engine is left. It never returns: what the address
// sanitizer notes of its frame would stay with whatever is mapped there next.
__attribute__((no_sanitize("address"))) void run_child(void *argument) {
  Order &order = *static_cast<Order *>(argument);
  order.begun = true;
  if (order.procs >= 0) check(order, "write", raw(SYS_write, order.procs, word("0"), 1));
  const KernelSigaction defaults = {};
  for (int signal = 1; signal <= kLastSignal; signal++) {
    // Also what is ignored: the engines ignore SIGPIPE and SIGXFSZ, which programs do not expect.
    if (signal != SIGKILL && signal != SIGSTOP) raw(SYS_rt_sigaction, signal, word(&defaults), 0, sizeof(uint64_t));
  }
  if (order.files != nullptr) check(order, "prlimit64", raw(SYS_prlimit64, 0, RLIMIT_NOFILE, word(order.files), 0));
  for (int fd = 0; fd <= 2; fd++) {
    if (order.streams[fd] >= 0) {
      // allow cloexec: a standard stream, which is to be inherited
      check(order, "dup3", raw(SYS_dup3, order.streams[fd], fd, 0));
    } else {
      // Node makes what it inherited close-on-exec.
      inherit(order, fd);
    }
  }
  const unsigned first_own = 3 + order.preserve;
  check(order, "close_range", raw(SYS_close_range, first_own, ~0U, CLOSE_RANGE_CLOEXEC));
  for (unsigned fd = 3; fd < first_own; fd++) inherit(order, static_cast<int>(fd));
  for (size_t i = 0; i < order.keep_count; i++) inherit(order, order.keep[i]);
  if (order.own_group) {
    check(order, "setpgid", raw(SYS_setpgid, 0, 0));
    check(order, "prctl", raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL));
  }
  // The working directory is the child's own: the clone has no CLONE_FS.
  // allow path: of a hook, which config.json names on the host
  if (order.directory != nullptr) check(order, "chdir", raw(SYS_chdir, word(order.directory)));
  const uint64_t none = 0;
  raw(SYS_rt_sigprocmask, SIG_SETMASK, word(&none), 0, sizeof none);
  check(order, "execveat",
        raw(SYS_execveat, order.executable, word(order.path), word(order.args), word(order.env),
            order.executable >= 0 ? AT_EMPTY_PATH : 0));
  leave();
}

std::vector<char *> pointers(const std::vector<std::string> &strings) {
  std::vector<char *> result;
  result.reserve(strings.size() + 1);
  for (const auto &string : strings) result.push_back(const_cast<char *>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

// Node and Bun raise the soft limit of open files to the hard one when they start, before any of our code runs. A
// program that gets the raised limit is slower (some close every possible descriptor) or breaks (select(2) above 1024).
// The old one, which is kept nowhere, is most likely the parent's, if the hard limits agree.
bool original_file_limit(rlimit *limit) {
  if (in_executable()) return false;
  rlimit own;
  if (::getrlimit(RLIMIT_NOFILE, &own) != 0 || own.rlim_cur < own.rlim_max) return false;
  rlimit parents;
  if (::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, &parents) != 0) return false;
  if (parents.rlim_max != own.rlim_max || parents.rlim_cur >= own.rlim_cur) return false;
  *limit = parents;
  return true;
}

// Blocks every signal of this thread, those that libc keeps for itself included.
class BlockedSignals {
 public:
  BlockedSignals() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kAll, &before_, sizeof before_); }
  ~BlockedSignals() { ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, sizeof before_); }
  BlockedSignals(const BlockedSignals &) = delete;
  BlockedSignals &operator=(const BlockedSignals &) = delete;

 private:
  static constexpr uint64_t kAll = ~uint64_t{0};
  uint64_t before_ = 0;
};

// Binds this thread to processors, so that a child made meanwhile is so from its first instruction on;
// sched_setaffinity(2) has no word for another's child.
class BoundThread {
 public:
  explicit BoundThread(const std::vector<int> &cpus) {
    if (cpus.empty()) return;
    std::vector<uint64_t> mask(kWords);
    before_.resize(kWords);
    for (const int cpu : cpus) {
      if (cpu >= static_cast<int>(kWords * 64)) fail_with(EINVAL, "sched_setaffinity");
      mask[static_cast<size_t>(cpu) / 64] |= uint64_t{1} << (cpu % 64);
    }
    if (::syscall(SYS_sched_getaffinity, 0, kWords * 8, before_.data()) < 0) fail("sched_getaffinity");
    if (::syscall(SYS_sched_setaffinity, 0, kWords * 8, mask.data()) < 0) fail("sched_setaffinity");
  }
  ~BoundThread() {
    if (!before_.empty()) ::syscall(SYS_sched_setaffinity, 0, kWords * 8, before_.data());
  }
  BoundThread(const BoundThread &) = delete;
  BoundThread &operator=(const BoundThread &) = delete;

 private:
  static constexpr size_t kWords = 8192 / 64; // NR_CPUS at most
  std::vector<uint64_t> before_;
};

// The namespaces asked for: what a refusal of clone3 is about.
std::string describe(const ChildProgram &program) {
  static constexpr struct {
    uint64_t flag;
    const char *name;
  } kNames[] = {{CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"},       {CLONE_NEWNET, "network"},
                {CLONE_NEWIPC, "ipc"},   {CLONE_NEWUTS, "uts"},  {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"}};
  std::string text;
  for (const auto &entry : kNames) {
    if ((program.clone_flags & entry.flag) != 0) text += (text.empty() ? "namespaces " : ",") + std::string(entry.name);
  }
  if (program.cgroup >= 0) text += text.empty() ? "in a cgroup" : " in a cgroup";
  return text;
}

} // namespace

StartedChild start_child(const ChildProgram &program) {
  const Mapping stack(
      ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0), kStackSize);
  if (!stack.valid()) fail("mmap");
  // An overflow must not reach what lies below.
  if (::mprotect(stack.begin(), 4096, PROT_NONE) != 0) fail("mprotect");

  auto args = pointers(program.args);
  auto env = pointers(program.env);
  rlimit files;
  Order order = {program.executable,
                 program.path.c_str(),
                 args.data(),
                 env.data(),
                 program.directory.empty() ? nullptr : program.directory.c_str(),
                 program.streams,
                 program.preserve,
                 program.keep.data(),
                 program.keep.size(),
                 original_file_limit(&files) ? &files : nullptr,
                 program.own_group,
                 -1,
                 false,
                 nullptr,
                 0};
  int pidfd = -1;
  clone_args request = {};
  request.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | program.clone_flags;
  request.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  request.exit_signal = SIGCHLD;
  request.stack = reinterpret_cast<uint64_t>(stack.begin());
  request.stack_size = kStackSize;
  if (program.cgroup >= 0) {
    request.flags |= CLONE_INTO_CGROUP;
    request.cgroup = static_cast<uint64_t>(program.cgroup);
  }

  const auto clone = [&] {
    const BoundThread bound(program.cpus);
    BlockedSignals blocked;
    const long pid = clone3_call(&request, run_child, &order);
    if (pid < 0) fail_with(static_cast<int>(-pid), "clone3", describe(program));
    return StartedChild{static_cast<pid_t>(pid), Fd(std::exchange(pidfd, -1))};
  };
  siginfo_t info;
  StartedChild child = clone();
  Fd procs;
  if (!order.begun && program.cgroup >= 0 && (program.clone_flags & CLONE_NEWCGROUP) == 0) {
    // Since Linux 6.14 the kernel kills at birth what is cloned into a cgroup whose cgroup.kill was written more often,
    // or less often, than that of the caller's cgroup. So a container could keep `exec` out for ever. A move is not
    // affected.
    retry([&] { return ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED); });
    procs = Fd(::openat(program.cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
    if (!procs.valid()) fail("openat", "cgroup.procs");
    order.procs = procs.get();
    request.flags &= ~static_cast<uint64_t>(CLONE_INTO_CGROUP);
    request.cgroup = 0;
    child = clone();
  }
  if (order.failed_call == nullptr) return child;
  retry([&] { return ::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED); });
  if (std::strcmp(order.failed_call, "write") == 0) fail_with(order.error, order.failed_call, "cgroup.procs");
  const bool elsewhere = std::strcmp(order.failed_call, "chdir") == 0;
  fail_with(order.error, order.failed_call, elsewhere ? program.directory : program.path);
}

} // namespace runt
