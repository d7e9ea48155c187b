/*
 * inject [-t] [-s SECONDS] [-p PID] -o REPORT [-f ROLE:NUMBER:NTH:ACTION] -- COMMAND …: runs a command of runt under ptrace(2), and makes
 * one of its system calls fail, or ends a process before it.
 * inject -b ID …: prints those of these BPF programs that the kernel still has.
 *
 * Roles: `loader`, the command until its main function, which begins with sigaction(2); `runt`, the command from there; `child`, what it
 * clones, until that executes something; `init`, what was executed from a memfd, or is PID, and `init2`, `init3` …, the processes it makes.
 * Programs of containers and hooks are let go.
 *
 * ACTION is the number of an errno, `kill` (the process that makes the call), or `killrunt`. A call that fails is not made, but close(2),
 * which has closed whatever it returns. The report gets a line for every call with -t, `hit` where the fault came to pass, `program ID` for
 * each BPF program that was loaded, and `timeout` where the command did not end. Exit status: the command's.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROLES 8
#define CALLS 512
#define TRACEES 256

static const char *const role_names[ROLES] = {"loader", "runt", "child", "init", "init2", "init3", "init4", "init5"};
enum { LOADER, RUNT, CHILD, INIT };

struct tracee {
  pid_t tid;
  int role;
  int known;
  int waiting; /* stopped before its parent's word of it came */
  int inject;
  uint64_t number; /* of the call it is in */
  int loads;
  uint64_t argument; /* to be put back after the call */
};

static struct tracee tracees[TRACEES];
static unsigned counts[ROLES][CALLS];
static pid_t root;
static FILE *report;
static int tracing, fault_role = -1, fault_errno, fault_kill;
static unsigned fault_number, fault_nth;
static volatile sig_atomic_t late;

static void die(const char *what) {
  perror(what);
  exit(125);
}

static struct tracee *find(pid_t tid, int make) {
  struct tracee *free_one = NULL;
  for (int i = 0; i < TRACEES; i++) {
    if (tracees[i].tid == tid) return &tracees[i];
    if (tracees[i].tid == 0 && free_one == NULL) free_one = &tracees[i];
  }
  if (!make) return NULL;
  if (free_one == NULL) {
    fprintf(stderr, "inject: too many processes\n");
    exit(125);
  }
  memset(free_one, 0, sizeof *free_one);
  free_one->tid = tid;
  return free_one;
}

/* The string at an address of the process; spaces and what cannot be printed become `?`. */
static void text_at(pid_t tid, uint64_t address, char *text, size_t size) {
  char raw[200];
  struct iovec to = {raw, sizeof raw}, from = {(void *)address, sizeof raw};
  ssize_t got = address == 0 ? -1 : process_vm_readv(tid, &to, 1, &from, 1, 0);
  if (got < 0 && address != 0) {
    from.iov_len = 4096 - address % 4096;
    if (from.iov_len > sizeof raw) from.iov_len = sizeof raw;
    got = process_vm_readv(tid, &to, 1, &from, 1, 0);
  }
  size_t length = 0;
  for (; (ssize_t)length < got && raw[length] != 0 && length + 1 < size; length++)
    text[length] = raw[length] > ' ' && raw[length] < 127 ? raw[length] : '?';
  text[length] = 0;
}

/* Which argument of a call is a name, or -1. */
static int name_argument(uint64_t number) {
  switch (number) {
#ifdef SYS_mkdir
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_rename:
    case SYS_readlink:
    case SYS_unlink:
    case SYS_access:
#endif
    case SYS_statfs:
    case SYS_chdir:
    case SYS_umount2:
    case SYS_fsopen:
    case SYS_execve:
    case SYS_symlinkat:
    case SYS_memfd_create:
    case SYS_sethostname:
    case SYS_pivot_root:
      return 0;
    case SYS_openat:
    case SYS_openat2:
    case SYS_newfstatat:
    case SYS_statx:
    case SYS_readlinkat:
    case SYS_mkdirat:
    case SYS_unlinkat:
    case SYS_mknodat:
    case SYS_faccessat2:
    case SYS_open_tree:
    case SYS_mount_setattr:
      return 1;
    case SYS_fsconfig:
      return 2;
    default:
      return -1;
  }
}

/* What a descriptor is: the first argument of these calls. */
static void text_of_descriptor(pid_t tid, uint64_t number, uint64_t fd, char *text, size_t size) {
  char link[64];
  if (number != SYS_read && number != SYS_write && number != SYS_fcntl && number != SYS_newfstatat && number != SYS_fstatfs &&
      number != SYS_lseek && number != SYS_flock)
    return;
  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, (int)fd);
  const ssize_t length = readlink(link, text, size - 1);
  for (ssize_t i = 0; i < length; i++)
    if (text[i] <= ' ' || text[i] > 126) text[i] = '?';
  text[length < 0 ? 0 : length] = 0;
}

static void set_number(pid_t tid, long number) {
#if defined(__x86_64__)
  struct user_regs_struct regs;
  struct iovec all = {&regs, sizeof regs};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) != 0) return;
  regs.orig_rax = (unsigned long long)number;
  ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all);
#else
  int value = (int)number;
  struct iovec one = {&value, sizeof value};
  ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &one);
#endif
}

/* The first argument of a call, and the one that it had. The caller expects to find it again after the call. */
static uint64_t set_argument(pid_t tid, uint64_t value) {
  struct user_regs_struct regs;
  struct iovec all = {&regs, sizeof regs};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) != 0) return 0;
#if defined(__x86_64__)
  const uint64_t had = regs.rdi;
  regs.rdi = value;
#else
  const uint64_t had = regs.regs[0];
  regs.regs[0] = value;
#endif
  ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all);
  return had;
}

static void set_result(pid_t tid, long result) {
  struct user_regs_struct regs;
  struct iovec all = {&regs, sizeof regs};
  if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) != 0) return;
#if defined(__x86_64__)
  regs.rax = (unsigned long long)result;
#else
  regs.regs[0] = (unsigned long long)result;
#endif
  ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all);
}

static void entered(struct tracee *one, const struct __ptrace_syscall_info *info) {
  const uint64_t number = info->entry.nr;
  if (number >= CALLS) return;
  if (one->role == LOADER && number == SYS_rt_sigaction) one->role = RUNT;
  one->number = number;
  one->loads = number == SYS_bpf && info->entry.args[0] == BPF_PROG_LOAD;
  const unsigned nth = ++counts[one->role][number];
  const int is_it = one->role == fault_role && number == fault_number && nth == fault_nth;
  if (tracing || is_it) {
    char name[200] = "";
    const int index = name_argument(number);
    if (index >= 0) text_at(one->tid, info->entry.args[index], name, sizeof name);
    if (name[0] == 0) text_of_descriptor(one->tid, number, info->entry.args[0], name, sizeof name);
    fprintf(report, "%s %s %lu %u %lu %lu %s\n", is_it ? "hit" : "call", role_names[one->role], (unsigned long)number, nth,
            (unsigned long)info->entry.args[0], (unsigned long)info->entry.args[1], name);
  }
  if (!is_it) return;
  if (fault_kill) {
    kill(fault_kill == 2 ? root : one->tid, SIGKILL);
  } else if (number == SYS_brk) {
    /* It tells by the old break that there is no memory. */
    one->argument = set_argument(one->tid, 0);
  } else {
    one->inject = fault_errno;
    if (number != SYS_close) set_number(one->tid, -1);
  }
}

/* The id of a program that was loaded tells later whether it is still there. */
static void loaded(const struct tracee *one, int64_t fd) {
  char name[64], line[256];
  unsigned id = 0;
  snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", one->tid, (int)fd);
  FILE *info = fopen(name, "r");
  if (info == NULL) return;
  while (fgets(line, sizeof line, info) != NULL)
    if (sscanf(line, "prog_id: %u", &id) == 1) fprintf(report, "program %u\n", id);
  fclose(info);
}

static void returned(struct tracee *one, const struct __ptrace_syscall_info *info) {
  if (one->inject != 0)
    set_result(one->tid, -one->inject);
  else if (one->loads && info->exit.rval >= 0)
    loaded(one, info->exit.rval);
#if defined(__x86_64__)
  if (one->argument != 0) set_argument(one->tid, one->argument);
#endif
  one->argument = 0;
  one->inject = one->loads = 0;
}

static int programs(char **ids) {
  for (; *ids != NULL; ids++) {
    union bpf_attr attr = {.prog_id = (unsigned)atoi(*ids)};
    if (syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof attr) >= 0) puts(*ids);
  }
  return 0;
}

static int tgid_of(pid_t tid) {
  char name[64], line[256];
  int tgid = -1;
  snprintf(name, sizeof name, "/proc/%d/status", tid);
  FILE *status = fopen(name, "r");
  if (status == NULL) return -1;
  while (fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "Tgid: %d", &tgid) == 1) break;
  fclose(status);
  return tgid;
}

static void resume(struct tracee *one, int signal) {
  ptrace(PTRACE_SYSCALL, one->tid, 0, signal);
}

static void let_go(struct tracee *one) {
  ptrace(PTRACE_DETACH, one->tid, 0, 0);
  one->tid = 0;
}

/* A process was made: by whom tells its role. */
static void born(const struct tracee *parent, pid_t tid) {
  struct tracee *one = find(tid, 1);
  const int thread = tgid_of(tid) != tid;
  one->known = thread ? 2 : 1;
  if (!thread) one->role = parent->role <= RUNT ? CHILD : parent->role < INIT ? parent->role : parent->role + 1;
  if (one->role >= ROLES) one->role = ROLES - 1;
  if (!one->waiting) return;
  one->waiting = 0;
  if (thread)
    let_go(one);
  else
    resume(one, 0);
}

/* A program was executed. Returns 0 where it is none of ours. */
static int executed(struct tracee *one) {
  char link[64], name[512];
  snprintf(link, sizeof link, "/proc/%d/exe", one->tid);
  const ssize_t length = readlink(link, name, sizeof name - 1);
  name[length < 0 ? 0 : length] = 0;
  if (one->tid == root) {
    one->role = LOADER;
    return 1;
  }
  if (strncmp(name, "/memfd:", 7) != 0) return 0;
  one->role = INIT;
  return 1;
}

static void timed_out(int signal) {
  (void)signal;
  late = 1;
  kill(root, SIGKILL);
}

static void parse_fault(char *text) {
  char *role = strtok(text, ":"), *number = strtok(NULL, ":"), *nth = strtok(NULL, ":"), *action = strtok(NULL, ":");
  if (action == NULL) {
    fprintf(stderr, "inject: a fault is ROLE:NUMBER:NTH:ACTION\n");
    exit(125);
  }
  for (int i = 0; i < ROLES; i++)
    if (strcmp(role, role_names[i]) == 0) fault_role = i;
  fault_number = (unsigned)atoi(number);
  fault_nth = (unsigned)atoi(nth);
  fault_kill = strcmp(action, "kill") == 0 ? 1 : strcmp(action, "killrunt") == 0 ? 2 : 0;
  fault_errno = atoi(action);
}

int main(int argc, char **argv) {
  int option;
  pid_t init = 0;
  unsigned seconds = 60;
  while ((option = getopt(argc, argv, "+tbs:o:f:p:")) != -1) {
    if (option == 't') tracing = 1;
    if (option == 'b') return programs(argv + optind);
    if (option == 'p') init = (pid_t)atoi(optarg);
    if (option == 's') seconds = (unsigned)atoi(optarg);
    if (option == 'o') report = fopen(optarg, "we");
    if (option == 'f') parse_fault(optarg);
    if (option == '?') return 125;
  }
  if (report == NULL || optind >= argc) die("inject");
  int go[2];
  if (pipe(go) != 0) die("pipe");
  root = fork();
  if (root < 0) die("fork");
  if (root == 0) {
    char byte;
    close(go[1]);
    if (read(go[0], &byte, 1) != 1) _exit(125);
    close(go[0]);
    execvp(argv[optind], argv + optind);
    die(argv[optind]);
  }
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, root, 0, options) != 0) die("ptrace");
  if (ptrace(PTRACE_INTERRUPT, root, 0, 0) != 0) die("ptrace");
  find(root, 1)->known = 1;
  /* Until its first execve it is this program. */
  find(root, 1)->role = -1;
  if (init != 0) {
    struct tracee *one = find(init, 1);
    one->known = 1;
    one->role = INIT;
    if (ptrace(PTRACE_SEIZE, init, 0, options) != 0 || ptrace(PTRACE_INTERRUPT, init, 0, 0) != 0) die("ptrace init");
  }
  if (write(go[1], "", 1) != 1) die("write");
  close(go[0]);
  close(go[1]);
  const struct sigaction alarms = {.sa_handler = timed_out, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &alarms, NULL);
  alarm(seconds);
  for (;;) {
    int status;
    const pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) die("waitpid");
    struct tracee *one = find(tid, 1);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      one->tid = 0;
      if (tid != root) continue;
      if (late) fprintf(report, "timeout\n");
      fclose(report);
      /* Whoever is still traced goes on. */
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    const int event = status >> 16, signal = WSTOPSIG(status);
    if (!one->known) {
      one->waiting = 1;
      continue;
    }
    if (one->known == 2) {
      let_go(one);
      continue;
    }
    if (signal == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      if (one->role >= 0 && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0) {
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) entered(one, &info);
        if (info.op == PTRACE_SYSCALL_INFO_EXIT) returned(one, &info);
      }
      resume(one, 0);
    } else if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
      unsigned long made = 0;
      ptrace(PTRACE_GETEVENTMSG, tid, 0, &made);
      born(one, (pid_t)made);
      resume(one, 0);
    } else if (event == PTRACE_EVENT_EXEC) {
      if (executed(one))
        resume(one, 0);
      else
        let_go(one);
    } else if (event == PTRACE_EVENT_STOP) {
      if (signal == SIGTRAP)
        resume(one, 0);
      else
        ptrace(PTRACE_LISTEN, tid, 0, 0);
    } else {
      resume(one, signal);
    }
  }
}
