// What a process could try that was taken over while it parsed an archive. Each attempt has its own confined process; a
// line tells how it ended: `NAME signal N`, or `NAME status N` (0: it could; 2: the kernel said no).
#include "../../native/addon/confined.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "../../native/addon/failure.h"

namespace {

constexpr int kRefused = 2;
constexpr size_t kMegabyte = size_t{1} << 20;

int could(long result) { return result == -1 ? kRefused : 0; }

int allocate(size_t size) {
  auto *memory = static_cast<char *>(std::malloc(size));
  if (memory == nullptr) return kRefused;
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  return 0;
}

struct Attempt {
  const char *name;
  int (*run)();
};

const pid_t parent = ::getpid();

// Through syscall(2), as code that was slipped in would.
const Attempt attempts[] = {
    {"compute", [] { return allocate(64 * kMegabyte); }},
    {"open", [] { return could(::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY)); }},
    {"create", [] { return could(::syscall(SYS_openat, AT_FDCWD, "/tmp/runt-escaped", O_CREAT | O_WRONLY, 0600)); }},
    {"openat2", [] { return could(::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0)); }},
    {"stat", [] { return could(::syscall(SYS_newfstatat, AT_FDCWD, "/", nullptr, 0)); }},
    {"unlink", [] { return could(::syscall(SYS_unlinkat, AT_FDCWD, "/tmp/runt-no-such", 0)); }},
    {"mkdir", [] { return could(::syscall(SYS_mkdirat, AT_FDCWD, "/tmp/runt-escaped", 0700)); }},
    {"chmod", [] { return could(::syscall(SYS_fchmodat, AT_FDCWD, "/tmp/runt-no-such", 0700)); }},
    {"chdir", [] { return could(::syscall(SYS_chdir, "/")); }},
    {"mount", [] { return could(::syscall(SYS_mount, "none", "/tmp/runt-no-such", "tmpfs", 0, nullptr)); }},
    {"unshare", [] { return could(::syscall(SYS_unshare, CLONE_NEWUSER)); }},
    {"setns", [] { return could(::syscall(SYS_setns, 0, 0)); }},
    {"exec", [] { return could(::syscall(SYS_execve, "/bin/true", nullptr, nullptr)); }},
    {"execveat", [] { return could(::syscall(SYS_execveat, 0, "", nullptr, nullptr, AT_EMPTY_PATH)); }},
    {"fork", [] { return could(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
    {"clone3", [] { return could(::syscall(SYS_clone3, nullptr, 0)); }},
    {"socket", [] { return could(::syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0)); }},
    {"kill", [] { return could(::syscall(SYS_kill, parent, 0)); }},
    {"tgkill", [] { return could(::syscall(SYS_tgkill, parent, parent, 0)); }},
    {"pidfd_open", [] { return could(::syscall(SYS_pidfd_open, parent, 0)); }},
    {"ptrace", [] { return could(::syscall(SYS_ptrace, PTRACE_ATTACH, parent, 0, 0)); }},
    {"process_vm_writev", [] { return could(::syscall(SYS_process_vm_writev, parent, nullptr, 0, nullptr, 0, 0)); }},
    {"io_uring", [] { return could(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
    {"bpf", [] { return could(::syscall(SYS_bpf, 0, nullptr, 0)); }},
    {"prctl", [] { return could(::syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
    {"setuid", [] { return could(::syscall(SYS_setuid, 0)); }},
    {"capset", [] { return could(::syscall(SYS_capset, nullptr, nullptr)); }},
    {"setrlimit", [] { return could(::syscall(SYS_prlimit64, 0, 0, nullptr, nullptr)); }},
    {"dup", [] { return could(::syscall(SYS_dup, 0)); }},
    {"fcntl", [] { return could(::syscall(SYS_fcntl, 0, F_GETFL)); }},
    {"ioctl", [] { return could(::syscall(SYS_ioctl, 0, TIOCSTI, "x")); }},
    {"sendmsg", [] { return could(::syscall(SYS_sendmsg, 0, nullptr, 0)); }},
    {"memfd", [] { return could(::syscall(SYS_memfd_create, "x", 0)); }},
    {"keyctl", [] { return could(::syscall(SYS_keyctl, 0)); }},
    {"map code",
     [] {
       return could(
           reinterpret_cast<long>(::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
     }},
    {"map shared",
     [] {
       return could(
           reinterpret_cast<long>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
     }},
    {"make code",
     [] {
       void *memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       return could(::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
     }},
    {"much memory", [] { return allocate(400 * kMegabyte); }},
    {"memory of a stack",
     [] {
       // Linux, mm/mmap.c: what grows downwards counts as stack, and not for RLIMIT_DATA.
       return could(reinterpret_cast<long>(::mmap(nullptr, 400 * kMegabyte, PROT_READ | PROT_WRITE,
                                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0)));
     }},
    {"memory to read",
     [] {
       // Pages of zeros cost nothing, but the tables that lead to them.
       return could(reinterpret_cast<long>(
           ::mmap(nullptr, size_t{1} << 40, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)));
     }},
    {"other descriptors",
     [] {
       for (int fd = 1; fd < 1024; fd++)
         if (::write(fd, "x", 0) != -1) return 0;
       return kRefused;
     }},
#if defined(__x86_64__)
    {"x32", [] { return could(::syscall(0x40000000 | SYS_getpid)); }},
#endif
    {"abort", []() -> int { std::abort(); }},
};

} // namespace

int main() {
  const int null = ::open("/dev/zero", O_RDONLY);
  for (const Attempt &attempt : attempts) {
    runt::Confined process({null}, attempt.run, [](int error, const char *call) { dprintf(0, "%d %s", error, call); });
    const runt::Confined::End end = process.wait();
    std::printf("%s %s %d\n", attempt.name, end.signal != 0 ? "signal" : "status",
                end.signal != 0 ? end.signal : end.status);
    std::fflush(stdout);
  }
}
