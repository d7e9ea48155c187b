// Every system call that init makes, and nothing else: thin, typed, without libc, for x86-64 and arm64.
// A negative result is -errno. EINTR is retried here where a call can block.
#pragma once
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/raw_syscall.h"

#ifndef __NR_open_tree
#error "kernel headers of 5.12 or newer are needed"
#endif

namespace runt {

// inode(7): the file type in a mode. linux/stat.h hides its S_IF* where a C library is in use.
constexpr unsigned kTypeMask = 0170000, kTypeFifo = 0010000, kTypeCharacter = 0020000, kTypeDirectory = 0040000,
                   kTypeBlock = 0060000, kTypeRegular = 0100000, kTypeLink = 0120000;

} // namespace runt

namespace runt::sys {

// ——— descriptors and files ———

inline int close(int fd) { return static_cast<int>(raw(__NR_close, fd)); }

inline int openat(int dir, const char *path, int flags, unsigned mode = 0) {
  long result;
  do result = raw(__NR_openat, dir, word(path), flags, mode);
  while (result == -EINTR);
  return static_cast<int>(result);
}

// openat2(2); EAGAIN (a rename elsewhere raced with the resolution) is retried a bounded number of times.
inline int openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  open_how how = {flags, mode, resolve};
  long result = -EAGAIN;
  for (int tries = 0; tries < 256 && (result == -EAGAIN || result == -EINTR); tries++)
    result = raw(__NR_openat2, dir, word(path), word(&how), sizeof how);
  return static_cast<int>(result);
}

inline long read(int fd, void *buffer, size_t size) {
  long result;
  do result = raw(__NR_read, fd, word(buffer), static_cast<long>(size));
  while (result == -EINTR);
  return result;
}

inline long write(int fd, const void *buffer, size_t size) {
  long result;
  do result = raw(__NR_write, fd, word(buffer), static_cast<long>(size));
  while (result == -EINTR);
  return result;
}

inline int statx(int dir, const char *path, int flags, struct statx *out) {
  return static_cast<int>(raw(__NR_statx, dir, word(path), flags, STATX_BASIC_STATS, word(out)));
}

// f_type of the filesystem that a descriptor is on, or -errno.
inline long filesystem_type(int fd) {
  long buffer[16] = {}; // struct statfs: 15 words, f_type first
  long result = raw(__NR_fstatfs, fd, word(buffer));
  return result < 0 ? result : buffer[0];
}

inline int mkdirat(int dir, const char *name, unsigned mode) {
  return static_cast<int>(raw(__NR_mkdirat, dir, word(name), mode));
}
inline int mknodat(int dir, const char *name, unsigned mode, unsigned device) {
  return static_cast<int>(raw(__NR_mknodat, dir, word(name), mode, device));
}
inline int symlinkat(const char *target, int dir, const char *name) {
  return static_cast<int>(raw(__NR_symlinkat, word(target), dir, word(name)));
}
inline int unlinkat(int dir, const char *name, int flags) {
  return static_cast<int>(raw(__NR_unlinkat, dir, word(name), flags));
}
inline long readlinkat(int dir, const char *name, char *buffer, size_t size) {
  return raw(__NR_readlinkat, dir, word(name), word(buffer), static_cast<long>(size));
}
inline int fchownat(int dir, const char *name, uint32_t uid, uint32_t gid, int flags) {
  return static_cast<int>(raw(__NR_fchownat, dir, word(name), uid, gid, flags));
}
inline int faccessat2(int dir, const char *path, int mode, int flags) {
  return static_cast<int>(raw(__NR_faccessat2, dir, word(path), mode, flags));
}
inline int fchmod(int fd, unsigned mode) { return static_cast<int>(raw(__NR_fchmod, fd, mode)); }
inline int fchown(int fd, uint32_t uid, uint32_t gid) { return static_cast<int>(raw(__NR_fchown, fd, uid, gid)); }
// Times of access and of change.
inline int futimens(int fd, const __kernel_timespec (&times)[2]) {
  return static_cast<int>(raw(__NR_utimensat, fd, 0, word(times), 0));
}
inline int ftruncate(int fd, uint64_t size) {
  return static_cast<int>(raw(__NR_ftruncate, fd, static_cast<long>(size)));
}
inline long lseek(int fd, long offset, int whence) { return raw(__NR_lseek, fd, offset, whence); }
inline long sendfile(int out, int in, size_t size) {
  long result;
  do result = raw(__NR_sendfile, out, in, 0, static_cast<long>(size));
  while (result == -EINTR);
  return result;
}
inline long getdents64(int fd, void *buffer, size_t size) {
  return raw(__NR_getdents64, fd, word(buffer), static_cast<long>(size));
}
inline long flistxattr(int fd, char *list, size_t size) {
  return raw(__NR_flistxattr, fd, word(list), static_cast<long>(size));
}
inline long fgetxattr(int fd, const char *name, void *value, size_t size) {
  return raw(__NR_fgetxattr, fd, word(name), word(value), static_cast<long>(size));
}
inline int fsetxattr(int fd, const char *name, const void *value, size_t size) {
  return static_cast<int>(raw(__NR_fsetxattr, fd, word(name), word(value), static_cast<long>(size), 0));
}
inline int fchdir(int fd) { return static_cast<int>(raw(__NR_fchdir, fd)); }
inline int chdir(const char *path) { return static_cast<int>(raw(__NR_chdir, word(path))); }
inline int chroot(const char *path) { return static_cast<int>(raw(__NR_chroot, word(path))); }
inline long getcwd(char *buffer, size_t size) { return raw(__NR_getcwd, word(buffer), static_cast<long>(size)); }
inline int ioctl(int fd, unsigned long request, long argument) {
  return static_cast<int>(raw(__NR_ioctl, fd, static_cast<long>(request), argument));
}
inline int dup3(int from, int to, int flags) { return static_cast<int>(raw(__NR_dup3, from, to, flags)); }
inline int pipe2(int ends[2], int flags) { return static_cast<int>(raw(__NR_pipe2, word(ends), flags)); }
inline int memfd_create(const char *name, unsigned flags) {
  return static_cast<int>(raw(__NR_memfd_create, word(name), flags));
}
inline long seek_to_start(int fd) { return raw(__NR_lseek, fd, 0, 0); }
inline int set_flags(int fd, int flags) { return static_cast<int>(raw(__NR_fcntl, fd, F_SETFL, flags)); }
inline int get_flags(int fd) { return static_cast<int>(raw(__NR_fcntl, fd, F_GETFL)); }
inline int set_cloexec(int fd) { return static_cast<int>(raw(__NR_fcntl, fd, F_SETFD, 1)); }
inline int close_range(unsigned first, unsigned last, unsigned flags) {
  return static_cast<int>(raw(__NR_close_range, first, last, flags));
}
inline void *mmap(size_t size, int protection, int flags, int fd) {
  return reinterpret_cast<void *>(raw(__NR_mmap, 0, static_cast<long>(size), protection, flags, fd, 0));
}
inline bool is_error(const void *pointer) { return reinterpret_cast<unsigned long>(pointer) > -4096UL; }

// ——— mounts ———

inline int open_tree(int dir, const char *path, unsigned flags) {
  return static_cast<int>(raw(__NR_open_tree, dir, word(path), flags));
}
inline int move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
  return static_cast<int>(raw(__NR_move_mount, from, word(from_path), to, word(to_path), flags));
}
inline int fsopen(const char *type, unsigned flags) { return static_cast<int>(raw(__NR_fsopen, word(type), flags)); }
inline int fspick(int dir, const char *path, unsigned flags) {
  return static_cast<int>(raw(__NR_fspick, dir, word(path), flags));
}
inline int fsconfig(int fd, unsigned command, const char *key, const char *value, int aux) {
  return static_cast<int>(raw(__NR_fsconfig, fd, command, word(key), word(value), aux));
}
inline int fsmount(int fd, unsigned flags, unsigned attributes) {
  return static_cast<int>(raw(__NR_fsmount, fd, flags, attributes));
}
inline int mount_setattr(int dir, const char *path, unsigned flags, mount_attr *attributes) {
  return static_cast<int>(raw(__NR_mount_setattr, dir, word(path), flags, word(attributes), sizeof *attributes));
}
inline int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  return static_cast<int>(
      raw(__NR_mount, word(source), word(target), word(type), static_cast<long>(flags), word(data)));
}
inline int pivot_root(const char *new_root, const char *put_old) {
  return static_cast<int>(raw(__NR_pivot_root, word(new_root), word(put_old)));
}
inline int umount2(const char *path, int flags) { return static_cast<int>(raw(__NR_umount2, word(path), flags)); }

// ——— the process ———

[[noreturn]] inline void exit(int status) {
  for (;;) raw(__NR_exit_group, status);
}
inline int getpid() { return static_cast<int>(raw(__NR_getpid)); }
inline int prctl(int option, unsigned long a = 0, unsigned long b = 0, unsigned long c = 0) {
  return static_cast<int>(raw(__NR_prctl, option, static_cast<long>(a), static_cast<long>(b), static_cast<long>(c), 0));
}
inline int setns(int fd, int type) { return static_cast<int>(raw(__NR_setns, fd, type)); }
inline int unshare(int flags) { return static_cast<int>(raw(__NR_unshare, flags)); }
inline int clone3(clone_args *arguments) {
  return static_cast<int>(raw(__NR_clone3, word(arguments), sizeof *arguments));
}
// A copy of this process that the caller waits for until it executes a program or ends (CLONE_VFORK). clone(2) and not
// clone3(2), which the seccomp filters of container engines do not let through. The copy has its own memory.
inline int fork_and_wait_for_exec(int *pidfd) {
  return static_cast<int>(raw(__NR_clone, CLONE_VFORK | CLONE_PIDFD | 17 /* SIGCHLD */, 0, word(pidfd), 0, 0));
}
inline int wait4(int pid, int *status) {
  long result;
  do result = raw(__NR_wait4, pid, word(status), 0, 0);
  while (result == -EINTR);
  return static_cast<int>(result);
}
inline int setpgid(int pid, int group) { return static_cast<int>(raw(__NR_setpgid, pid, group)); }
inline int kill(int pid, int signal) { return static_cast<int>(raw(__NR_kill, pid, signal)); }
inline int setsid() { return static_cast<int>(raw(__NR_setsid)); }
inline unsigned umask(unsigned mask) { return static_cast<unsigned>(raw(__NR_umask, mask)); }
inline int sethostname(const char *name, size_t length) {
  return static_cast<int>(raw(__NR_sethostname, word(name), static_cast<long>(length)));
}
inline int setdomainname(const char *name, size_t length) {
  return static_cast<int>(raw(__NR_setdomainname, word(name), static_cast<long>(length)));
}
inline int setgroups(size_t count, const uint32_t *groups) {
  return static_cast<int>(raw(__NR_setgroups, static_cast<long>(count), word(groups)));
}
inline int setresgid(uint32_t gid) { return static_cast<int>(raw(__NR_setresgid, gid, gid, gid)); }
inline int setresuid(uint32_t uid) { return static_cast<int>(raw(__NR_setresuid, uid, uid, uid)); }
// setfsuid(2) and setfsgid(2) tell who was before, never whether it worked.
inline uint32_t setfsuid(uint32_t uid) { return static_cast<uint32_t>(raw(__NR_setfsuid, uid)); }
inline uint32_t setfsgid(uint32_t gid) { return static_cast<uint32_t>(raw(__NR_setfsgid, gid)); }
inline int capget(void *header, void *data) { return static_cast<int>(raw(__NR_capget, word(header), word(data))); }
inline int capset(void *header, const void *data) {
  return static_cast<int>(raw(__NR_capset, word(header), word(data)));
}
inline int set_rlimit(unsigned resource, const uint64_t limit[2]) {
  return static_cast<int>(raw(__NR_prlimit64, 0, resource, word(limit), 0));
}
inline int sched_setaffinity(size_t size, const uint64_t *mask) {
  return static_cast<int>(raw(__NR_sched_setaffinity, 0, static_cast<long>(size), word(mask)));
}
inline int sched_setattr(const void *attributes) {
  return static_cast<int>(raw(__NR_sched_setattr, 0, word(attributes), 0));
}
inline int ioprio_set(int which, int who, unsigned value) {
  return static_cast<int>(raw(__NR_ioprio_set, which, who, value));
}
inline int set_mempolicy(unsigned mode, const uint64_t *nodes, unsigned long bits) {
  return static_cast<int>(raw(__NR_set_mempolicy, mode, word(nodes), static_cast<long>(bits)));
}
inline int personality(unsigned domain) { return static_cast<int>(raw(__NR_personality, domain)); }
inline int seccomp(unsigned operation, unsigned flags, const void *argument) {
  return static_cast<int>(raw(__NR_seccomp, operation, flags, word(argument)));
}
inline long keyctl(int command, long a = 0, long b = 0, long c = 0) { return raw(__NR_keyctl, command, a, b, c); }
inline int execve(const char *path, const char *const *argv, const char *const *envp) {
  return static_cast<int>(raw(__NR_execve, word(path), word(argv), word(envp)));
}

// ——— time ———

struct pollfd {
  int fd;
  short events, revents;
};

// ppoll(2); a null timeout waits for ever.
inline int poll(pollfd *entries, unsigned count, const __kernel_timespec *timeout) {
  return static_cast<int>(raw(__NR_ppoll, word(entries), count, word(timeout), 0, 0));
}
// Nanoseconds of CLOCK_MONOTONIC.
inline uint64_t monotonic_ns() {
  __kernel_timespec now = {};
  raw(__NR_clock_gettime, 1, word(&now));
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}
inline uint64_t monotonic_ms() { return monotonic_ns() / 1000000; }

// ——— the socket ———

struct iovec {
  const void *base;
  size_t length;
};
struct msghdr {
  void *name;
  uint32_t name_length;
  const iovec *parts;
  size_t part_count;
  void *control;
  size_t control_length;
  uint32_t flags;
};

inline int socket(int family, int type, int protocol) {
  return static_cast<int>(raw(__NR_socket, family, type, protocol));
}

inline long sendmsg(int fd, const msghdr *message, unsigned flags) {
  long result;
  do result = raw(__NR_sendmsg, fd, word(message), flags);
  while (result == -EINTR);
  return result;
}

} // namespace runt::sys
