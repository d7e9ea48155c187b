// init's entry: takes the descriptors named on its command line (protocol.h), maps the plan and runs it.
#include <asm-generic/mman-common.h>
#include <linux/prctl.h>

#include "machine.h"

namespace runt {
namespace {

constexpr uint32_t kMaxInputs = 4096;

// A decimal descriptor number, or -1.
int number(const char *text) {
  int value = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || value > 1000000) return -1;
    value = value * 10 + (*text - '0');
  }
  return value;
}

// Tells runt what failed before there was a plan.
int refuse(int socket, int error, const char *call) {
  Machine machine(socket, 0);
  machine.fail(error, call);
  machine.report(kNoStep);
  return 2;
}

} // namespace

int freestanding_main(int argc, char **argv) {
  if (argc < 3) return 2;
  int socket = number(argv[1]), plan = number(argv[2]);
  uint32_t count = static_cast<uint32_t>(argc - 3);
  if (socket < 0 || plan < 0 || count > kMaxInputs) return 2;
  static int inputs[kMaxInputs];
  for (uint32_t i = 0; i < count; i++) {
    inputs[i] = number(argv[i + 3]);
    if (inputs[i] < 0) return 2;
    const int result = sys::set_cloexec(inputs[i]);
    if (result < 0) return refuse(socket, result, "fcntl");
  }
  struct statx status;
  int result = sys::set_cloexec(socket);
  if (result < 0) return refuse(socket, result, "fcntl");
  result = sys::statx(plan, "", AT_EMPTY_PATH, &status);
  if (result < 0) return refuse(socket, result, "statx");
  if (status.stx_size == 0 || status.stx_size > kMaxPlan) return 2;
  void *bytes = sys::mmap(status.stx_size, PROT_READ, 0x02 /* MAP_PRIVATE */, plan);
  if (sys::is_error(bytes)) return refuse(socket, ENOMEM, "mmap");
  sys::close(plan);

  sys::prctl(PR_SET_NAME, reinterpret_cast<unsigned long>("runt:init"));
  // Modes are given in full; the program's own mask is a step.
  const unsigned mask = sys::umask(0);
  return run_plan(static_cast<const uint8_t *>(bytes), status.stx_size, inputs, count, socket, mask);
}

} // namespace runt
