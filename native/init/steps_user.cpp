// Steps on limits, credentials and capabilities. None of them may fail and be ignored.
#include <linux/capability.h>
#include <linux/prctl.h>

#include "steps.h"

namespace runt {

bool run(const RlimitStep &s, Machine &m) {
  const uint64_t limit[2] = {s.soft, s.hard};
  int result = sys::set_rlimit(s.resource, limit);
  return result == 0 || m.fail(result, "prlimit64");
}

bool run(const UmaskStep &s, Machine &) {
  sys::umask(s.mask);
  return true;
}

bool run(const KeepCapabilitiesStep &s, Machine &m) {
  int result = sys::prctl(PR_SET_KEEPCAPS, s.keep);
  return result == 0 || m.fail(result, "prctl", "PR_SET_KEEPCAPS");
}

bool run(const BoundingSetStep &s, Machine &m) {
  for (unsigned capability = 0; capability < 64; capability++) {
    if ((s.mask >> capability & 1) != 0) continue;
    int result = sys::prctl(PR_CAPBSET_DROP, capability);
    if (result == -EINVAL && capability > 0) return true; // past the kernel's last capability
    if (result < 0) return m.fail(result, "prctl", "PR_CAPBSET_DROP");
  }
  return true;
}

bool run(const CapabilitiesStep &s, Machine &m) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (int half = 0; half < 2; half++) {
    data[half].effective = static_cast<uint32_t>(s.effective >> (32 * half));
    data[half].permitted = static_cast<uint32_t>(s.permitted >> (32 * half));
    data[half].inheritable = static_cast<uint32_t>(s.inheritable >> (32 * half));
  }
  int result = sys::capset(&header, data);
  return result == 0 || m.fail(result, "capset");
}

bool run(const AmbientCapabilitiesStep &s, Machine &m) {
  int result = sys::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  if (result < 0) return m.fail(result, "prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
  for (unsigned capability = 0; capability < 64; capability++) {
    if ((s.mask >> capability & 1) == 0) continue;
    result = sys::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
    if (result < 0) return m.fail(result, "prctl", "PR_CAP_AMBIENT_RAISE");
  }
  return true;
}

bool run(const UserStep &s, Machine &m) {
  auto *groups = static_cast<uint32_t *>(m.allocate(sizeof(uint32_t) * (s.groups.count + 1)));
  if (groups == nullptr) return m.fail(ENOMEM, "mmap");
  const char *at = s.groups.data;
  for (uint32_t i = 0; i < s.groups.count; i++, at++) {
    // 2^32 - 1 is no group: setresgid(2).
    int64_t value = number_in(at, 0xfffffffe);
    if (value < 0) return m.fail(EINVAL, "setgroups", "a group that is not a number");
    at += length_of(at);
    groups[i] = static_cast<uint32_t>(value);
  }
  int result = s.keep == 0 ? sys::setgroups(s.groups.count, groups) : 0;
  // Nobody can drop groups where the user namespace forbids it: user_namespaces(7), /proc/PID/setgroups.
  const bool forbidden = result == -EPERM && s.setgroups == 0 && s.groups.count == 0;
  if (result < 0 && !forbidden) return m.fail(result, "setgroups");
  if ((result = sys::setresgid(s.gid)) < 0) return m.fail(result, "setresgid");
  result = sys::setresuid(s.uid);
  return result == 0 || m.fail(result, "setresuid");
}

bool run(const NoNewPrivilegesStep &, Machine &m) {
  int result = sys::prctl(PR_SET_NO_NEW_PRIVS, 1);
  return result == 0 || m.fail(result, "prctl", "PR_SET_NO_NEW_PRIVS");
}

} // namespace runt
