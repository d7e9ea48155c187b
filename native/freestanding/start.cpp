// What a program without a C library has to bring itself: its entry and the four functions that compilers call by
// themselves. Hosted (sanitizer) builds do without.
#include <asm/unistd.h>
#include <stddef.h>

#include "../common/raw_syscall.h"

namespace runt {
int freestanding_main(int argc, char **argv);
}

extern "C" {

[[noreturn]] __attribute__((used)) void runt_start(long *stack) {
  const int status = runt::freestanding_main(static_cast<int>(stack[0]), reinterpret_cast<char **>(stack + 1));
  for (;;) runt::sys::raw(__NR_exit_group, status);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call runt_start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  mov x0, sp\n  bl runt_start\n");
#endif

void *memcpy(void *to, const void *from, size_t size) {
  char *t = static_cast<char *>(to);
  const char *f = static_cast<const char *>(from);
  for (size_t i = 0; i < size; i++) t[i] = f[i];
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  char *t = static_cast<char *>(to);
  const char *f = static_cast<const char *>(from);
  if (t < f)
    for (size_t i = 0; i < size; i++) t[i] = f[i];
  else
    while (size-- > 0) t[size] = f[size];
  return to;
}

void *memset(void *to, int value, size_t size) {
  char *t = static_cast<char *>(to);
  for (size_t i = 0; i < size; i++) t[i] = static_cast<char>(value);
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const unsigned char *x = static_cast<const unsigned char *>(a), *y = static_cast<const unsigned char *>(b);
  for (size_t i = 0; i < size; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

} // extern "C"
