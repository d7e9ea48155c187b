// How the sanitizers behave in build-asan/runt_sanitized. Not by ASAN_OPTIONS: tests give commands an environment of
// their own, and look at it in hooks. A fault ends a command with 99; what is said of it is in build-asan/reports, for
// tests look at standard error as well, and may expect a command to fail. All ends at once with a command: leaks are
// none.
#define OPTIONS "exitcode=99:log_path=" REPORTS "/report"

extern "C" __attribute__((visibility("default"))) const char *__asan_default_options() {
  return OPTIONS ":detect_leaks=0";
}

extern "C" __attribute__((visibility("default"))) const char *__ubsan_default_options() {
  return OPTIONS ":print_stacktrace=1";
}
