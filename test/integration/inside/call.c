// Makes single system calls, without a C library, so that a filter need allow nothing else:
//   call [VERB] NUMBER [ARGUMENT ...] [, NUMBER ...]
// prints the result of each, -errno for a failure, in a line. VERBs: `x32` (with the bit of x32), `i386` (int 0x80),
// `thread` (in a thread, whose end is waited for: KILL_THREAD ends only that), `trap` (catches SIGSYS).
// Numbers may be negative, and have 64 bits. Only for x86-64.
#include <linux/sched.h>
#include <linux/signal.h>
#include <stddef.h>
#include <stdint.h>

static long call(long n, const long *a) {
  long result;
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register long r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}

static long call32(long n, const long *a) {
  int result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"((int)n), "b"((int)a[0]), "c"((int)a[1]), "d"((int)a[2]) : "memory", "r8", "r9", "r10", "r11");
  return result;
}

static long simple(long n, long a, long b, long c, long d) { return call(n, (long[]){a, b, c, d, 0, 0}); }

static int equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

static long number(const char *text) {
  int negative = *text == '-';
  unsigned long value = 0;
  for (text += negative; *text >= '0' && *text <= '9'; text++) value = value * 10 + (unsigned long)(*text - '0');
  return negative ? -(long)value : (long)value;
}

static void print(long value) {
  char text[32];
  size_t at = sizeof text;
  unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
  text[--at] = '\n';
  do text[--at] = (char)('0' + rest % 10);
  while ((rest /= 10) != 0);
  if (value < 0) text[--at] = '-';
  simple(1, 1, (long)(text + at), (long)(sizeof text - at), 0);
}

static char stack[16384] __attribute__((aligned(16)));
static volatile int thread_id;
static long wanted[7];

// Ends in the thread with a call, or by the filter: the kernel clears thread_id either way (CLONE_CHILD_CLEARTID).
static void in_thread(void) {
  thread_id = 1;
  const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  long child;
  register long r10 __asm__("r10") = (long)&thread_id;
  __asm__ volatile("syscall\n test %%eax, %%eax\n jnz 1f\n xor %%ebp, %%ebp\n call thread_main\n hlt\n1:"
                   : "=a"(child)
                   : "a"(56L), "D"(flags), "S"(stack + sizeof stack), "d"(0L), "r"(r10)
                   : "rcx", "r11", "memory");
  while (thread_id != 0) simple(202, (long)&thread_id, 0 /* FUTEX_WAIT */, 1, 0);
}

__attribute__((used)) static void thread_main(void) {
  print(call(wanted[0], wanted + 1));
  simple(60, 0, 0, 0, 0);
}

struct action {
  void (*handler)(int, siginfo_t *, void *);
  unsigned long flags;
  void (*restorer)(void);
  unsigned long mask;
};

__asm__("restore:\n mov $15, %eax\n syscall\n");
void restore(void);

static void trapped(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  print(info->si_syscall + 1000000);
}

static void catch_traps(void) {
  const struct action action = {trapped, 4 /* SA_SIGINFO */ | 0x04000000 /* SA_RESTORER */, restore, 0};
  simple(13, 31 /* SIGSYS */, (long)&action, 0, 8);
}

__attribute__((used)) static void start(long *stack_top) {
  char **argument = (char **)(stack_top + 1) + 1;
  while (*argument != NULL) {
    int x32 = equal(*argument, "x32"), i386 = equal(*argument, "i386"), thread = equal(*argument, "thread"), trap = equal(*argument, "trap");
    if (x32 || i386 || thread || trap) argument++;
    if (*argument == NULL) break;
    for (int i = 0; i < 7; i++) wanted[i] = 0;
    for (int i = 0; *argument != NULL && !equal(*argument, ","); argument++)
      if (i < 7) wanted[i++] = number(*argument);
    if (*argument != NULL) argument++;
    if (trap) catch_traps();
    if (thread) in_thread();
    else print(i386 ? call32(wanted[0], wanted + 1) : call(wanted[0] | (x32 ? 0x40000000 : 0), wanted + 1));
  }
  simple(231, 0, 0, 0, 0);
}

__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n hlt\n");
