// Runs commands and measures them, so that nothing of the harness's own is in the figures: static, small, and without a thread.
// Reads one instruction a line, fields separated by tabs, and prints one line per figure. `{}` in an argument becomes a name that is
// never used twice. A command that fails ends the driver; what it said on its standard error stands on the driver's, which no command
// has itself: a container that is left would keep it open.
//
//   place NAME SOURCE TARGET               makes a mount namespace in which SOURCE is bound over TARGET; `-` is where the driver began
//   rest MILLISECONDS                      lets the kernel finish tearing the last container down, which would count against the next
//   run PLACE ARGUMENT …                   runs a command, unmeasured
//   time TAG PLACE ARGUMENT …              prints `time TAG NANOSECONDS PEAK_KIB CPU_MICROSECONDS`
//   watch FILE                             remembers the process whose number the file has
//   gone                                   waits for that process's end
//   memory TAG FILE                        prints `memory TAG PEAK_KIB`: VmHWM of the process whose number the file has
//   burst TAG PLACE WORKERS MS ARGUMENT …  so many workers run the command over and over: `burst TAG RUNS NANOSECONDS`
//   fill PLACE WORKERS FIRST LAST ARG …    runs it once for each number, which takes the place of `{}`, by so many workers
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { maxFields = 64, maxPlaces = 8, maxWorkers = 64 };

extern char **environ;
static posix_spawn_file_actions_t quiet;
static struct {
  char name[32];
  int namespace;
} places[maxPlaces];
static int placeCount, currentPlace, watched = -1, said = -1;
static unsigned long unique;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "driver: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  va_end(arguments);
  _exit(1);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void sleepUntil(long long moment) {
  struct timespec t = {moment / 1000000000, moment % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) continue;
}

// --- places

static void addPlace(const char *name) {
  if (placeCount == maxPlaces) fail("more than %d places", maxPlaces);
  int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (namespace < 0) fail("cannot open the mount namespace: %s", strerror(errno));
  snprintf(places[placeCount].name, sizeof places[0].name, "%s", name);
  places[placeCount].namespace = namespace;
  currentPlace = placeCount++;
}

static void enter(const char *name) {
  int place = 0;
  while (place < placeCount && strcmp(places[place].name, name) != 0) place++;
  if (place == placeCount) fail("there is no place '%s'", name);
  if (place == currentPlace) return;
  if (setns(places[place].namespace, CLONE_NEWNS) != 0) fail("cannot enter '%s': %s", name, strerror(errno));
  currentPlace = place;
}

static void makePlace(const char *name, const char *source, const char *target) {
  enter("-");
  if (unshare(CLONE_NEWNS) != 0) fail("cannot make a mount namespace: %s", strerror(errno));
  if (mount("", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("cannot part the mounts: %s", strerror(errno));
  if (mount(source, target, NULL, MS_BIND, NULL) != 0) fail("cannot bind %s: %s", target, strerror(errno));
  addPlace(name);
}

// --- commands

// Prints what commands said on their standard error since it was cleared.
static void repeatSaid(void) {
  char text[4096];
  ssize_t length;
  for (off_t at = 0; (length = pread(said, text, sizeof text, at)) > 0; at += length) {
    if (write(STDERR_FILENO, text, length) != length) return;
  }
}

struct usage {
  long long nanoseconds;
  long peakKib, cpuMicroseconds;
};

static struct usage execute(char **arguments, const char *name) {
  static char texts[maxFields][512];
  char *words[maxFields + 1];
  char made[32];
  if (name == NULL) {
    snprintf(made, sizeof made, "%d-%lu", getpid(), ++unique);
    name = made;
  }
  int count = 0;
  for (; arguments[count] != NULL; count++) {
    char *braces = strstr(arguments[count], "{}");
    words[count] = arguments[count];
    if (braces == NULL) continue;
    snprintf(texts[count], sizeof texts[0], "%.*s%s%s", (int)(braces - arguments[count]), arguments[count], name, braces + 2);
    words[count] = texts[count];
  }
  words[count] = NULL;
  pid_t pid;
  if (ftruncate(said, 0) != 0) fail("cannot clear what was said: %s", strerror(errno));
  long long start = now();
  int error = posix_spawn(&pid, words[0], &quiet, NULL, words, environ);
  if (error != 0) fail("cannot run %s: %s", words[0], strerror(error));
  int status;
  struct rusage usage;
  while (wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) fail("cannot wait for %s: %s", words[0], strerror(errno));
  }
  long long end = now();
  if (status != 0) {
    repeatSaid();
    for (int index = 0; index < count; index++) fprintf(stderr, "%s ", words[index]);
    fail("ended with %s %d", WIFEXITED(status) ? "status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  }
  long cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  return (struct usage){end - start, usage.ru_maxrss, cpu};
}

static long readNumber(const char *file) {
  FILE *stream = fopen(file, "re");
  long number;
  if (stream == NULL || fscanf(stream, "%ld", &number) != 1) fail("%s has no number", file);
  fclose(stream);
  return number;
}

static void watch(const char *file) {
  watched = syscall(SYS_pidfd_open, (pid_t)readNumber(file), 0);
  if (watched < 0) fail("cannot watch the process of %s: %s", file, strerror(errno));
}

static void gone(void) {
  struct pollfd ended = {watched, POLLIN, 0};
  while (poll(&ended, 1, 10000) != 1) {
    if (errno != EINTR) fail("a process did not end");
  }
  close(watched);
}

static void memory(const char *tag, const char *file) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%ld/status", readNumber(file));
  FILE *stream = fopen(path, "re");
  if (stream == NULL) fail("cannot read %s: %s", path, strerror(errno));
  long peak = -1;
  while (fgets(line, sizeof line, stream) != NULL) {
    if (sscanf(line, "VmHWM: %ld", &peak) == 1) break;
  }
  fclose(stream);
  if (peak < 0) fail("%s has no VmHWM", path);
  printf("memory %s %ld\n", tag, peak);
}

// --- several at once

static void joinWorkers(const pid_t *workers, int count) {
  int failed = 0;
  for (int index = 0; index < count; index++) {
    int status;
    while (waitpid(workers[index], &status, 0) < 0 && errno == EINTR) continue;
    failed |= status;
  }
  if (failed != 0) _exit(1);
}

static pid_t forkWorker(void) {
  pid_t pid = fork();
  if (pid < 0) fail("cannot fork: %s", strerror(errno));
  return pid;
}

// The runs under way when the time is over count, with the time until the last of them ends.
static void burst(const char *tag, int count, long milliseconds, char **arguments) {
  if (count > maxWorkers) fail("more than %d workers", maxWorkers);
  struct result {
    long long end;
    long runs;
  } result;
  pid_t workers[maxWorkers];
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) fail("cannot make a pipe: %s", strerror(errno));
  long long start = now() + 20000000, limit = start + milliseconds * 1000000LL;
  fflush(stdout);
  for (int index = 0; index < count; index++) {
    if ((workers[index] = forkWorker()) != 0) continue;
    result.runs = 0;
    sleepUntil(start);
    for (; now() < limit; result.runs++) execute(arguments, NULL);
    result.end = now();
    _exit(write(pipes[1], &result, sizeof result) == sizeof result ? 0 : 1);
  }
  joinWorkers(workers, count);
  long runs = 0;
  long long end = start;
  for (int index = 0; index < count; index++) {
    if (read(pipes[0], &result, sizeof result) != sizeof result) fail("a worker said nothing");
    runs += result.runs;
    if (result.end > end) end = result.end;
  }
  close(pipes[0]);
  close(pipes[1]);
  printf("burst %s %ld %lld\n", tag, runs, end - start);
}

static void fill(int count, int first, int last, char **arguments) {
  if (count > maxWorkers) fail("more than %d workers", maxWorkers);
  pid_t workers[maxWorkers];
  fflush(stdout);
  for (int index = 0; index < count; index++) {
    if ((workers[index] = forkWorker()) != 0) continue;
    for (int number = first + index; number <= last; number += count) {
      char name[16];
      snprintf(name, sizeof name, "%d", number);
      execute(arguments, name);
    }
    _exit(0);
  }
  joinWorkers(workers, count);
}

int main(void) {
  static char line[1 << 16];
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || chdir("/") != 0) fail("%s", strerror(errno));
  said = memfd_create("said", MFD_CLOEXEC);
  if (said < 0 || fcntl(said, F_SETFL, O_APPEND) != 0) fail("cannot make a file: %s", strerror(errno));
  posix_spawn_file_actions_init(&quiet);
  for (int fd = 0; fd < 2; fd++) posix_spawn_file_actions_adddup2(&quiet, null, fd);
  posix_spawn_file_actions_adddup2(&quiet, said, STDERR_FILENO);
  addPlace("-");
  while (fgets(line, sizeof line, stdin) != NULL) {
    char *fields[maxFields + 1] = {NULL}, *rest = line;
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    while (count < maxFields && (fields[count] = strsep(&rest, "\t")) != NULL) count++;
    const char *verb = fields[0];
    if (strcmp(verb, "place") == 0 && count == 4) {
      makePlace(fields[1], fields[2], fields[3]);
    } else if (strcmp(verb, "rest") == 0 && count == 2) {
      sleepUntil(now() + atol(fields[1]) * 1000000LL);
    } else if (strcmp(verb, "run") == 0 && count > 2) {
      enter(fields[1]);
      execute(fields + 2, NULL);
    } else if (strcmp(verb, "time") == 0 && count > 3) {
      enter(fields[2]);
      struct usage usage = execute(fields + 3, NULL);
      printf("time %s %lld %ld %ld\n", fields[1], usage.nanoseconds, usage.peakKib, usage.cpuMicroseconds);
    } else if (strcmp(verb, "watch") == 0 && count == 2) {
      watch(fields[1]);
    } else if (strcmp(verb, "gone") == 0 && count == 1) {
      gone();
    } else if (strcmp(verb, "memory") == 0 && count == 3) {
      memory(fields[1], fields[2]);
    } else if (strcmp(verb, "burst") == 0 && count > 5) {
      enter(fields[2]);
      burst(fields[1], atoi(fields[3]), atol(fields[4]), fields + 5);
    } else if (strcmp(verb, "fill") == 0 && count > 5) {
      enter(fields[1]);
      fill(atoi(fields[2]), atoi(fields[3]), atoi(fields[4]), fields + 5);
    } else {
      fail("does not know '%s' with %d fields", verb, count);
    }
  }
  return 0;
}
