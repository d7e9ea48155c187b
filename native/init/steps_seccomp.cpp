// The filter of system calls. From its load on every call of init's own is subject to it.
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "steps.h"

namespace runt {

bool run(const SeccompStep &s, Machine &m) {
  if (s.filter.length == 0 || s.filter.length % sizeof(sock_filter) != 0 ||
      s.filter.length / sizeof(sock_filter) > BPF_MAXINSNS)
    return m.fail(EINVAL, "seccomp", "the length of the filter");
  // allow length: at most BPF_MAXINSNS
  const auto instructions = static_cast<uint16_t>(s.filter.length / sizeof(sock_filter));
  // The kernel copies them, and asks for no alignment.
  struct {
    uint16_t length;
    const uint8_t *filter;
  } program = {instructions, s.filter.data};
  static_assert(sizeof program == sizeof(sock_fprog));
  int result = sys::seccomp(SECCOMP_SET_MODE_FILTER, s.flags, &program);
  if (result < 0) return m.fail(result, "seccomp");
  m.talk_plainly();
  if ((s.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) == 0) return true;
  // Close-on-exec by itself. Nobody may answer for the container once whoever it was handed to is gone.
  Fd listener(result);
  return m.send(MessageType::Listener, static_cast<uint32_t>(listener.get())) && m.await_proceed();
}

} // namespace runt
