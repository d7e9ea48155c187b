// Runs command lines alternately and prints how long each took: one line "INDEX NANOSECONDS STATUS MAXRSS_KB" per run.
//   time ROUNDS REST_MS COMMAND [COMMAND ...]      each COMMAND is one argument, split at spaces
// A rest before each run lets the kernel finish tearing the last container down, which would count against the next one.
// `{}` in a command becomes a number that is never used twice: a fresh container id.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void rest(long milliseconds) {
  struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&t, NULL);
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  long rounds = atol(argv[1]), milliseconds = atol(argv[2]);
  int number = getpid() * 1000;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd < 2; fd++) posix_spawn_file_actions_adddup2(&actions, null, fd);
  for (long round = 0; round < rounds; round++) {
    for (int index = 3; index < argc; index++) {
      char *words[64];
      int count = 0;
      char *copy = strdup(argv[index]);
      for (char *word = strtok(copy, " "); word != NULL && count < 63; word = strtok(NULL, " ")) {
        char *braces = strstr(word, "{}"), text[4096];
        if (braces != NULL) snprintf(text, sizeof text, "%.*s%d%s", (int)(braces - word), word, number++, braces + 2);
        words[count++] = braces != NULL ? strdup(text) : word;
      }
      words[count] = NULL;
      rest(milliseconds);
      pid_t pid;
      long long start = now();
      if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) != 0) {
        fprintf(stderr, "cannot run %s: %s\n", words[0], strerror(errno));
        return 1;
      }
      int status;
      struct rusage usage;
      while (wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) continue;
      long long end = now();
      printf("%d %lld %d %ld\n", index - 3, end - start, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
             usage.ru_maxrss);
      free(copy);
    }
  }
  return 0;
}
