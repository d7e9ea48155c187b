// without CALL … -- PROGRAM ARGUMENT …: runs a program for which the system calls fail with ENOSYS, as on a kernel without them.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
  const char *name;
  unsigned number;
} calls[] = {
#define CALL(name) {#name, SYS_##name}
  CALL(bpf),        CALL(clone3),     CALL(close_range), CALL(execveat),      CALL(fsconfig),         CALL(fsmount),
  CALL(fsopen),     CALL(memfd_create), CALL(mount_setattr), CALL(move_mount), CALL(openat2),        CALL(open_tree),
  CALL(pidfd_open), CALL(pidfd_send_signal),
};
enum { kCalls = sizeof calls / sizeof *calls };

int main(int argc, char **argv) {
  struct sock_filter filter[2 * kCalls + 8];
  unsigned short length = 0;
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  int at = 1;
  for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
    int found = 0;
    for (int i = 0; i < kCalls; i++) {
      if (strcmp(calls[i].name, argv[at]) != 0) continue;
      filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
      filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
      found = 1;
    }
    if (!found) return fprintf(stderr, "without: unknown call %s\n", argv[at]), 125;
  }
  if (at + 1 >= argc) return fprintf(stderr, "usage: without CALL ... -- PROGRAM ARGUMENT ...\n"), 125;
  filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {.len = length, .filter = filter};
  // No no_new_privs, which the container would inherit: root needs none for a filter.
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) return perror("without: seccomp"), 125;
  execvp(argv[at + 1], argv + at + 1);
  return perror(argv[at + 1]), 127;
}
