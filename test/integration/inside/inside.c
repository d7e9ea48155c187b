// The program that tests run inside a container: verbs that report what it sees, so that no image is needed.
//   inside VERB [ARGUMENT ...] [-- VERB ...]
// Every verb prints lines to standard output; a system call that fails prints "VERB: call: NAME_OF_ERRNO" and counts as output,
// so that a test can expect it; `exit N` ends with a status.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void failed(const char *verb, const char *call) { printf("%s: %s: %s\n", verb, call, strerrorname_np(errno)); }

static void cat(const char *path) {
  char buffer[65536];
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return failed("cat", "open");
  ssize_t size;
  while ((size = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)size, stdout);
  if (size < 0) failed("cat", "read");
  close(fd);
}

static void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return failed("write", "open");
  if (write(fd, text, strlen(text)) < 0) failed("write", "write");
  close(fd);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) return failed("ls", "opendir");
  char *names[4096];
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < 4096;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) names[count++] = strdup(entry->d_name);
  closedir(dir);
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) puts(names[i]);
}

static void status(const char *path) {
  struct stat s;
  if (lstat(path, &s) < 0) return failed("stat", "lstat");
  const char *type = S_ISREG(s.st_mode)    ? "file"
                     : S_ISDIR(s.st_mode)  ? "directory"
                     : S_ISLNK(s.st_mode)  ? "symlink"
                     : S_ISCHR(s.st_mode)  ? "char"
                     : S_ISBLK(s.st_mode)  ? "block"
                     : S_ISFIFO(s.st_mode) ? "fifo"
                                           : "socket";
  printf("%s %s %o %u %u", path, type, s.st_mode & 07777, s.st_uid, s.st_gid);
  if (S_ISCHR(s.st_mode) || S_ISBLK(s.st_mode)) printf(" %u:%u", major(s.st_rdev), minor(s.st_rdev));
  char target[4096];
  ssize_t length = S_ISLNK(s.st_mode) ? readlink(path, target, sizeof target - 1) : -1;
  if (length >= 0) printf(" %.*s", (int)length, target);
  puts("");
}

static void id(void) {
  gid_t groups[256];
  int count = getgroups(256, groups);
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  printf("uid %u %u %u", r, e, s);
  getresgid(&r, &e, &s);
  printf(" gid %u %u %u groups", r, e, s);
  for (int i = 0; i < count; i++) printf(" %u", groups[i]);
  mode_t mask = umask(0);
  umask(mask);
  printf(" umask %o\n", mask);
}

static void proc_status(const char *prefix) {
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return failed("status", "fopen");
  char line[4096];
  while (fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, prefix, strlen(prefix)) == 0) fputs(line, stdout);
  fclose(file);
}

static void terminal(void) {
  for (int fd = 0; fd < 3; fd++) {
    char name[256] = "-";
    if (isatty(fd)) ttyname_r(fd, name, sizeof name);
    printf("fd %d %s\n", fd, name);
  }
  struct winsize size;
  if (ioctl(0, TIOCGWINSZ, &size) == 0) printf("size %u %u\n", size.ws_row, size.ws_col);
  int tty = open("/dev/tty", O_RDWR);
  printf("controlling %s\n", tty >= 0 ? "yes" : "no");
  if (tty >= 0) close(tty);
  printf("leader %s\n", getsid(0) == getpid() ? "yes" : "no");
}

static void descriptors(void) {
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL) return failed("fds", "opendir");
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    char path[300], target[4096];
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir)) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
    ssize_t length = readlink(path, target, sizeof target - 1);
    printf("%s %.*s\n", entry->d_name, length < 0 ? 0 : (int)length, target);
  }
  closedir(dir);
}

static void rlimits(void) {
  for (int resource = 0; resource < 16; resource++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0)
      printf("%d %llu %llu\n", resource, (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
  }
}

// Allocates and touches megabytes one by one, and tells how far it came.
static void memory(int megabytes) {
  for (int i = 1; i <= megabytes; i++) {
    char *block = malloc(1 << 20);
    if (block == NULL) break;
    memset(block, 1, 1 << 20);
    if (i % 8 == 0 || i == megabytes) printf("memory %d\n", i), fflush(stdout);
  }
}

static void forks(int count) {
  int done = 0;
  for (; done < count; done++) {
    pid_t pid = fork();
    if (pid < 0) {
      failed("forks", "fork");
      break;
    }
    if (pid == 0) pause(), _exit(0);
  }
  printf("forks %d\n", done);
  fflush(stdout);
}

// So many processes that each hand over to a child and leave: whoever lists them comes too late. Not for ever, as a test that
// fails to end them would take every process number of the machine.
static void hop(int count) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const time_t end = now.tv_sec + 30;
  for (; count > 0; count--) {
    if (fork() != 0) continue;
    while (now.tv_sec < end) {
      if (fork() > 0) _exit(0);
      clock_gettime(CLOCK_MONOTONIC, &now);
    }
    _exit(0);
  }
}

// Counts for so many milliseconds of wall time: how much processor time it got.
static void burn(int milliseconds) {
  struct timespec start, now, used;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < milliseconds);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  printf("burned %ld\n", used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

// On which processors it may run.
static void affinity(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return failed("affinity", "sched_getaffinity");
  printf("affinity");
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set)) printf(" %d", cpu);
  puts("");
}

// Writes so many KiB past the page cache, 64 at a time: how many milliseconds that took.
static void write_direct(const char *path, int kibibytes) {
  int fd = open(path, O_WRONLY | O_DIRECT);
  if (fd < 0) return failed("write-direct", "open");
  void *block = NULL;
  if (posix_memalign(&block, 4096, 65536) != 0) return;
  memset(block, 1, 65536);
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (int done = 0; done < kibibytes; done += 64)
    if (write(fd, block, 65536) < 0) return failed("write-direct", "write");
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("wrote %ld\n", (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000);
  close(fd);
}

// Maps and touches huge pages of 2 MiB one by one: how many there were.
static void huge_pages(int count) {
  int done = 0;
  for (; done < count; done++) {
    char *page = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    if (page == MAP_FAILED) {
      failed("huge-pages", "mmap");
      break;
    }
    *page = 1;
  }
  printf("huge pages %d\n", done);
}

static void on_signal(int number) {
  char text[32];
  int size = snprintf(text, sizeof text, "signal %d\n", number);
  if (write(1, text, (size_t)size) < 0) _exit(1);
  _exit(40 + number);
}

// Scheduling of this process, as the kernel tells it.
static void scheduling(void) {
  struct { unsigned size, policy; unsigned long long flags; int nice; unsigned priority; unsigned long long runtime, deadline, period; } a = {0};
  if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) < 0) return failed("scheduling", "sched_getattr");
  printf("policy %u flags %llu nice %d priority %u runtime %llu deadline %llu period %llu\n", a.policy, a.flags, a.nice, a.priority,
         a.runtime, a.deadline, a.period);
  long io = syscall(SYS_ioprio_get, 1, 0);
  printf("io class %ld priority %ld\n", io >> 13, io & 0x1fff);
  cpu_set_t cpus;
  printf("cpus");
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
      if (CPU_ISSET(cpu, &cpus)) printf(" %d", cpu);
  int mode = 0;
  unsigned long nodes[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0) < 0) printf("\nmemory %s", strerrorname_np(errno));
  else printf("\nmemory mode %d nodes %lx", mode, nodes[0]);
  struct utsname u;
  uname(&u);
  printf("\npersonality %x machine %s\n", (unsigned)personality(0xffffffff), u.machine);
}

// The session keyring: description, and what other keyrings the process can see.
static void keyring(void) {
  char text[512];
  long id = syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -3 /* SESSION */, 0);
  if (id < 0) return failed("keyring", "keyctl");
  if (syscall(SYS_keyctl, 6 /* DESCRIBE */, id, text, sizeof text) < 0) return failed("keyring", "describe");
  printf("keyring %ld %s\n", id, text);
}

// Joins or makes a session keyring of this name.
static void join_keyring(const char *name) {
  long id = syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, name);
  if (id < 0) return failed("join-keyring", "keyctl");
  printf("joined %ld\n", id);
}

// Tells the service manager something, like sd_notify(3): a datagram to $NOTIFY_SOCKET.
static void notify(const char *verb, const char *text, size_t size) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = getenv("NOTIFY_SOCKET");
  if (path == NULL) { puts("nobody to notify"); return; }
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sendto(fd, text, size, 0, (struct sockaddr *)&address, sizeof address) < 0) failed(verb, "sendto"); else puts("notified");
  close(fd);
}

static int number_of(char **args, int index) { return args[index] == NULL ? 0 : atoi(args[index]); }

static int one(char **a) {
  const char *verb = a[0];
#define IS(name) (strcmp(verb, name) == 0)
  if (IS("cat")) cat(a[1]);
  else if (IS("write")) write_to(a[1], a[2]);
  else if (IS("ls")) list(a[1]);
  else if (IS("stat")) status(a[1]);
  else if (IS("id")) id();
  else if (IS("status")) proc_status(a[1]);
  else if (IS("tty")) terminal();
  else if (IS("fds")) descriptors();
  else if (IS("rlimits")) rlimits();
  else if (IS("scheduling")) scheduling();
  else if (IS("keyring")) keyring();
  else if (IS("join-keyring")) join_keyring(a[1]);
  else if (IS("unshare")) { if (unshare(number_of(a, 1)) < 0) failed(verb, "unshare"); else puts("unshared"); }
  else if (IS("env")) for (char **e = environ; *e != NULL; e++) puts(*e);
  else if (IS("echo")) puts(a[1] == NULL ? "" : a[1]);
  else if (IS("word")) printf("%s ", a[1]);
  else if (IS("lines")) for (int i = 1; i <= number_of(a, 1); i++) printf("line %d\n", i);
  else if (IS("to")) { fflush(stdout); int fd = open(a[1], O_WRONLY | O_CREAT | O_APPEND, 0666); if (fd < 0) failed(verb, "open"); else dup2(fd, 1), close(fd); }
  else if (IS("error")) fprintf(stderr, "%s\n", a[1]);
  else if (IS("pid")) printf("pid %d ppid %d\n", getpid(), getppid());
  else if (IS("cwd")) { char p[4096]; puts(getcwd(p, sizeof p) == NULL ? "-" : p); }
  else if (IS("clocks")) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    printf("monotonic %lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
    clock_gettime(CLOCK_BOOTTIME, &t);
    printf("boottime %lld.%09ld\n", (long long)t.tv_sec, t.tv_nsec);
  }
  else if (IS("uname")) { struct utsname u; uname(&u); printf("%s %s\n", u.nodename, u.domainname); }
  else if (IS("mkdir")) { if (mkdir(a[1], 0755) < 0) failed(verb, "mkdir"); else puts("made"); }
  else if (IS("mount")) { if (mount("none", a[1], "tmpfs", 0, NULL) < 0) failed(verb, "mount"); else puts("mounted"); }
  else if (IS("mknod")) { if (mknod(a[1], S_IFCHR | 0600, makedev(number_of(a, 2), number_of(a, 3))) < 0) failed(verb, "mknod"); else puts("made"); }
  else if (IS("open")) { int fd = open(a[1], O_RDWR | O_NONBLOCK | O_NOCTTY); if (fd < 0) failed(verb, "open"); else puts("opened"), close(fd); }
  else if (IS("read-all")) { char b[4096]; ssize_t n; while ((n = read(0, b, sizeof b)) > 0) if (write(1, b, (size_t)n) < 0) return 1; }
  else if (IS("memory")) memory(number_of(a, 1));
  else if (IS("forks")) forks(number_of(a, 1));
  else if (IS("hop")) hop(number_of(a, 1));
  else if (IS("affinity")) affinity();
  else if (IS("write-direct")) write_direct(a[1], number_of(a, 2));
  else if (IS("huge-pages")) huge_pages(number_of(a, 1));
  else if (IS("notify")) notify(verb, a[1], strlen(a[1]));
  else if (IS("notify-zeros")) { char *zeros = calloc(1, (size_t)number_of(a, 1)); notify(verb, zeros, (size_t)number_of(a, 1)); free(zeros); }
  else if (IS("burn")) burn(number_of(a, 1));
  else if (IS("sleep")) { fflush(stdout); struct timespec t = {number_of(a, 1), 0}; nanosleep(&t, NULL); }
  else if (IS("leave")) { fflush(stdout); if (fork() == 0) { close(0), close(1), close(2); struct timespec t = {number_of(a, 1), 0}; nanosleep(&t, NULL); _exit(0); } }
  else if (IS("wait")) { fflush(stdout); for (;;) pause(); }
  else if (IS("catch")) { signal(number_of(a, 1), on_signal); }
  else if (IS("watch-size")) {
    sigset_t set; int got; sigemptyset(&set); sigaddset(&set, SIGWINCH); sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready"); fflush(stdout);
    for (;;) { sigwait(&set, &got); struct winsize w; ioctl(0, TIOCGWINSZ, &w); printf("resized %u %u\n", w.ws_row, w.ws_col); fflush(stdout); }
  }
  else if (IS("suicide")) { fflush(stdout); signal(number_of(a, 1), SIG_DFL); kill(getpid(), number_of(a, 1)); }
  else if (IS("child-signal")) { pid_t p = fork(); if (p == 0) { kill(getpid(), number_of(a, 1)); pause(); } waitpid(p, NULL, 0); }
  else if (IS("exec")) { fflush(stdout); execv(a[1], a + 1); failed(verb, "execv"); }
  else if (IS("exit")) { fflush(stdout); exit(number_of(a, 1)); }
  else { fprintf(stderr, "inside: unknown verb %s\n", verb); return 99; }
  return 0;
}

int main(int argc, char **argv) {
  for (int at = 1; at < argc;) {
    int end = at;
    while (end < argc && strcmp(argv[end], "--") != 0) end++;
    argv[end] = NULL;
    int result = one(argv + at);
    fflush(stdout);
    if (result != 0) return result;
    at = end + 1;
  }
  return 0;
}
