// The command `runt` as it is called: hands over to the executable that Bun compiled, ../libexec/runt. It exists
// because of what happens in there before any code of ours runs:
//
// - The engine takes orders from its environment (BUN_OPTIONS, BUN_BE_BUN, BUN_INSPECT…, BUN_JSC_…): any of them would
//   turn a command of root's into something else. They are left out.
// - The engine refuses to start where the working directory was removed. Nothing can be found from there anyway, so it
//   starts in the root directory.
// - The engine raises the soft limit of open files, and the old value is kept nowhere. It is passed on in RUNT_NOFILE,
//   so that containers start with the limit of whoever called runt.
//
// No C library: it costs a quarter of a millisecond.
#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/limits.h>
#include <linux/resource.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/raw_syscall.h"

namespace runt {
namespace {

using sys::raw;
using sys::word;

constexpr char kExecutable[] = "/libexec/runt";
constexpr char kFiles[] = "RUNT_NOFILE=";
constexpr int kNotFound = 127, kNotExecutable = 126;

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

bool starts_with(const char *text, const char *prefix) {
  while (*prefix != 0)
    if (*text++ != *prefix++) return false;
  return true;
}

int fail(const char *what, int status) {
  constexpr char kName[] = "runt: ";
  raw(__NR_write, 2, word(kName), sizeof kName - 1);
  raw(__NR_write, 2, word(what), static_cast<long>(length_of(what)));
  raw(__NR_write, 2, word("\n"), 1);
  return status;
}

// `/prefix/libexec/runt` for a launcher that is `/prefix/bin/runt`, symlinks resolved.
bool find_executable(char *path, size_t size) {
  long length = raw(__NR_readlinkat, -100 /* AT_FDCWD */, word("/proc/self/exe"), word(path), static_cast<long>(size));
  if (length <= 0 || path[0] != '/') return false;
  for (int parents = 0; parents < 2; parents++) {
    do length--;
    while (length > 0 && path[length] != '/');
  }
  if (length < 0 || static_cast<size_t>(length) + sizeof kExecutable > size) return false;
  __builtin_memcpy(path + length, kExecutable, sizeof kExecutable);
  return true;
}

// Writes `RUNT_NOFILE=` and the soft limit of open files in decimal; 32 bytes are enough.
void describe_files(char *text) {
  uint64_t limit[2] = {};
  __builtin_memcpy(text, kFiles, sizeof kFiles);
  if (raw(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, word(limit)) < 0) return;
  char digits[20];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + limit[0] % 10);
  while ((limit[0] /= 10) != 0);
  char *end = text + sizeof kFiles - 1;
  while (count > 0) *end++ = digits[--count];
  *end = 0;
}

bool is_for_engine(const char *entry) { return starts_with(entry, "BUN_") || starts_with(entry, kFiles); }

} // namespace

int freestanding_main(int argc, char **argv) {
  static char path[PATH_MAX];
  static char files[32];
  if (!find_executable(path, sizeof path)) return fail("cannot read /proc/self/exe: is /proc mounted?", kNotExecutable);
  describe_files(files);
  char directory[PATH_MAX];
  if (raw(__NR_getcwd, word(directory), sizeof directory) == -ENOENT) raw(__NR_chdir, word("/"));
  // In place. Where no entry goes, the new one needs a place more: it is the auxiliary vector's, which nobody reads
  // here.
  char **kept = argv + argc + 1;
  for (char **entry = kept; *entry != nullptr; entry++)
    if (!is_for_engine(*entry)) *kept++ = *entry;
  kept[0] = files;
  kept[1] = nullptr;
  // allow exec: libexec/runt beside the launcher’s own file
  const long error = raw(__NR_execve, word(path), word(argv), word(argv + argc + 1));
  return error == -ENOENT ? fail("libexec/runt, the executable beside bin, is missing", kNotFound)
                          : fail("cannot execute libexec/runt", kNotExecutable);
}

} // namespace runt
