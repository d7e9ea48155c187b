#include "confined.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "failure.h"

namespace runt {

namespace {

// Beyond what the process had when it was forked: zstd asks for windows of 128 MiB, and headers are a few MiB.
constexpr uint64_t kMemory = 384 << 20;
// What its stack may grow by.
constexpr uint64_t kStack = 8 << 20;

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "no filter for this architecture"
#endif

// What a process needs that computes and has nothing but open descriptors: memory, locks, clocks, its end.
constexpr int kCalls[] = {
    SYS_read,        SYS_write,           SYS_writev,       SYS_munmap,      SYS_mremap,          SYS_brk,
    SYS_madvise,     SYS_futex,           SYS_rt_sigreturn, SYS_sched_yield, SYS_rt_sigprocmask,  SYS_getpid,
    SYS_gettid,      SYS_clock_gettime,   SYS_gettimeofday, SYS_getrandom,   SYS_restart_syscall, SYS_exit,
    SYS_exit_group,
#if defined(__SANITIZE_ADDRESS__)
    SYS_sigaltstack, SYS_clock_nanosleep,
#endif
};

constexpr uint32_t at(size_t offset) { return static_cast<uint32_t>(offset); }
// The low half of an argument; both architectures are little-endian.
constexpr uint32_t argument(size_t index) { return at(offsetof(seccomp_data, args) + 8 * index); }

class Filter {
 public:
  Filter() {
    load(at(offsetof(seccomp_data, arch)));
    equal(kArchitecture, 1, 0);
    kill();
    load(at(offsetof(seccomp_data, nr)));
  }

  // `number` is loaded before and after.
  void allow(int number) {
    equal(static_cast<uint32_t>(number), 0, 1);
    give(SECCOMP_RET_ALLOW);
  }

  // Only where the argument is exactly that.
  void allow_with(int number, size_t index, uint32_t value) {
    equal(static_cast<uint32_t>(number), 0, 4);
    load(argument(index));
    equal(value, 0, 1);
    give(SECCOMP_RET_ALLOW);
    kill();
  }

  // Of private memory that cannot be executed. What is shared counts for no limit.
  void allow_memory(int number, bool with_flags) {
    equal(static_cast<uint32_t>(number), 0, with_flags ? 6 : 4);
    load(argument(2));
    add(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, with_flags ? 3 : 1, 0);
    if (with_flags) {
      load(argument(3));
      add(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 1, 0);
    }
    give(SECCOMP_RET_ALLOW);
    kill();
  }

  void kill() { give(SECCOMP_RET_KILL_PROCESS); }

  bool install() {
    const sock_fprog program = {static_cast<unsigned short>(code_.size()), code_.data()};
    // No secret is to be had by speculation in a process that can tell nobody else; without the flag, kernels before
    // 5.16 make all its memory accesses slower.
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0;
  }

 private:
  void add(int code, uint32_t value, uint8_t yes, uint8_t no) {
    code_.push_back({static_cast<uint16_t>(code), yes, no, value});
  }
  void load(uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0); }
  void equal(uint32_t value, uint8_t yes, uint8_t no) { add(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no); }
  void give(uint32_t action) { add(BPF_RET | BPF_K, action, 0, 0); }

  std::vector<sock_filter> code_;
};

// What there is already: the engine has reserved a lot.
struct Pages {
  uint64_t mapped;
  // Of them, those that count for RLIMIT_DATA.
  uint64_t data;
};

bool pages_in_use(Pages &pages) {
  // allow path: of the kernel, before it is confined
  Fd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t size = file.valid() ? ::read(file.get(), text, sizeof text - 1) : -1;
  if (size <= 0) return false;
  text[size] = 0;
  // size resident shared text lib data: man 5 proc
  const char *at = text;
  for (int field = 0; field < 5 && at != nullptr; field++) at = std::strchr(field == 0 ? at : at + 1, ' ');
  if (at == nullptr) return false;
  // allow number: the kernel's own
  pages = {std::strtoull(text, nullptr, 10), std::strtoull(at, nullptr, 10)};
  return pages.mapped != 0 && pages.data != 0;
}

bool limit(int resource, uint64_t value) {
  const rlimit limits = {value, value};
  return ::setrlimit(static_cast<__rlimit_resource>(resource), &limits) == 0;
}

// nullptr, or the call that failed. Nothing here may allocate what another thread may hold a lock for: glibc's fork(3)
// sees to malloc(3).
const char *confine(pid_t parent) {
  Pages pages{};
  if (!pages_in_use(pages)) return "read /proc/self/statm";
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return "prctl PR_SET_PDEATHSIG";
  if (::getppid() != parent) return "getppid";
  // No key of a terminal is for it.
  if (::setpgid(0, 0) != 0) return "setpgid";
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return "prctl PR_SET_DUMPABLE";
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  // The second of memory: what grows downwards, and what is only read, is no data, and takes page tables at least.
  if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, 0) ||
      !limit(RLIMIT_DATA, pages.data * page + kMemory) || !limit(RLIMIT_AS, pages.mapped * page + kMemory + kStack)) {
    return "setrlimit";
  }
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return "prctl PR_CAP_AMBIENT";
  if (::syscall(SYS_capset, &header, none) != 0) return "capset";
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "prctl PR_SET_NO_NEW_PRIVS";
  Filter filter;
  for (const int number : kCalls) filter.allow(number);
  filter.allow_memory(SYS_mmap, true);
  filter.allow_memory(SYS_mprotect, false);
  // abort(3), which then tells by its signal what it was.
  filter.allow_with(SYS_tgkill, 0, static_cast<uint32_t>(::getpid()));
  filter.kill();
  if (!filter.install()) return "seccomp";
  return nullptr;
}

// The descriptors become 0, 1, …; all others are closed.
bool keep(std::initializer_list<int> descriptors) {
  constexpr int kMost = 8;
  int moved[kMost];
  int count = 0;
  for (const int fd : descriptors) {
    // Out of the way of those that come first.
    // allow cloexec: nothing is ever executed there
    moved[count] = ::fcntl(fd, F_DUPFD, kMost);
    if (moved[count++] == -1) return false;
  }
  for (int number = 0; number < count; number++)
    // allow cloexec: nothing is ever executed there
    if (::dup2(moved[number], number) == -1) return false;
  return ::syscall(SYS_close_range, static_cast<unsigned>(count), ~0U, 0) == 0;
}

[[noreturn]] void run(pid_t parent, std::initializer_list<int> descriptors, const std::function<int()> &work,
                      const std::function<void(int, const char *)> &failed) {
  int status = 1;
  try {
    // The engine's handlers would tell the engine.
    for (int number = 1; number < NSIG; number++)
      if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // Where its descriptors are not in their places, there is none to say so through.
    if (keep(descriptors)) {
      const char *call = confine(parent);
      if (call == nullptr)
        status = work();
      else
        failed(errno, call);
    }
  } catch (...) {
    // Out of memory: who waits sees that nothing more comes.
  }
  ::_exit(status);
}

} // namespace

Confined::Confined(std::initializer_list<int> descriptors, const std::function<int()> &work,
                   const std::function<void(int error, const char *call)> &failed) {
  const pid_t parent = ::getpid();
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  // A signal that comes before the child has its own handlers would be handled twice.
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_ = ::fork();
  const int error = errno;
  if (pid_ == 0) run(parent, descriptors, work, failed);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid_ == -1) fail_with(error, "fork");
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_.valid()) {
    const int why = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    fail_with(why, "pidfd_open");
  }
}

Confined::~Confined() {
  if (!pidfd_.valid()) return;
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
  siginfo_t info;
  retry([&] { return ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED); });
}

Confined::End Confined::wait() {
  siginfo_t info = {};
  if (retry([&] {
        return ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd_.get()), &info, WEXITED);
      }) == -1) {
    fail("waitid");
  }
  pidfd_.reset();
  if (info.si_code == CLD_EXITED) return {0, info.si_status};
  return {info.si_status, 0};
}

} // namespace runt
