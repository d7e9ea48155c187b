// Steps on the process and its namespaces.
#include <asm-generic/mman-common.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>

#include "steps.h"

namespace runt {

// The kernel forgets the signal at forks and credential changes: prctl(2), PR_SET_PDEATHSIG.
bool rearm_parent_death(Machine &m) {
  if (m.parent_death_signal == 0) return true;
  int result = sys::prctl(PR_SET_PDEATHSIG, m.parent_death_signal);
  return result == 0 || m.fail(result, "prctl", "PR_SET_PDEATHSIG");
}

namespace {

// Permission bits of a key, from the description "type;uid;gid;permissions;name"; a negative errno if they cannot be
// read. The kernel gives the description whole or not at all: the name has the container's in it, of up to 255 bytes.
int64_t key_permissions(long key) {
  char text[1024];
  long size = sys::keyctl(KEYCTL_DESCRIBE, key, sys::word(text), sizeof text - 1);
  if (size < 0) return size;
  if (size > static_cast<long>(sizeof text) - 1) return -ENAMETOOLONG;
  text[size] = 0;
  int fields = 0;
  const char *at = text;
  while (*at != 0 && fields < 3) fields += *at++ == ';';
  uint32_t value = 0;
  for (; *at != 0 && *at != ';'; at++) {
    uint32_t digit = *at >= 'a' ? static_cast<uint32_t>(*at - 'a' + 10) : static_cast<uint32_t>(*at - '0');
    if (digit > 15) return -EBADMSG;
    value = value << 4 | digit;
  }
  return value;
}

} // namespace

bool run(const DieWithParentStep &s, Machine &m) {
  m.parent_death_signal = s.signal_;
  int result = sys::prctl(PR_SET_PDEATHSIG, s.signal_);
  return result == 0 || m.fail(result, "prctl", "PR_SET_PDEATHSIG");
}

bool run(const SyncStep &s, Machine &m) { return m.send(MessageType::Reached, s.point) && m.await_proceed(); }

bool run(const SetnsStep &s, Machine &m) {
  constexpr uint32_t kTry = 1, kIfKept = 2;
  if (s.mode == kIfKept && m.get(s.fd) < 0) return true;
  int result = sys::setns(m.get(s.fd), static_cast<int>(s.type));
  if (result == -EPERM && s.mode == kTry) return true;
  if (result < 0) return m.fail(result, "setns");
  m.drop(s.fd);
  return rearm_parent_death(m);
}

bool run(const UnshareStep &s, Machine &m) {
  int result = sys::unshare(static_cast<int>(s.flags));
  return result == 0 || m.fail(result, "unshare");
}

bool run(const ForkStep &s, Machine &m) {
  // The new process tells its pid itself, before anything else, so that no message of its own can come first. Only its
  // parent can see that pid: the kernel writes it into this page, which they share, before the child runs (clone(2)).
  void *shared = sys::mmap(sizeof(int), PROT_READ | PROT_WRITE, 0x01 /* MAP_SHARED */ | MAP_ANONYMOUS, -1);
  if (sys::is_error(shared)) return m.fail(ENOMEM, "mmap");
  clone_args arguments = {};
  arguments.flags = s.flags | CLONE_PARENT | CLONE_PARENT_SETTID; // exit_signal must be 0: the child inherits SIGCHLD
  arguments.parent_tid = reinterpret_cast<uint64_t>(shared);
  int pid = sys::clone3(&arguments);
  if (pid < 0) return m.fail(pid, "clone3");
  if (pid > 0) sys::exit(0);
  return m.send(MessageType::Forked, *static_cast<uint32_t *>(shared)) && rearm_parent_death(m);
}

bool run(const DropGroupsStep &, Machine &m) {
  int result = sys::setgroups(0, nullptr);
  return result == 0 || m.fail(result, "setgroups");
}

bool run(const BecomeRootStep &s, Machine &m) {
  // Whoever enters a user namespace has CAP_SETGID there: EPERM means /proc/PID/setgroups, user_namespaces(7).
  int result = s.keep == 0 ? sys::setgroups(0, nullptr) : 0;
  if (result < 0 && result != -EPERM) return m.fail(result, "setgroups");
  // EINVAL: the namespace maps no such id.
  if ((result = sys::setresgid(0)) == -EINVAL) result = sys::setresgid(s.gid);
  if (result < 0) return m.fail(result, "setresgid");
  if ((result = sys::setresuid(0)) == -EINVAL) result = sys::setresuid(s.uid);
  if (result < 0) return m.fail(result, "setresuid");
  return rearm_parent_death(m);
}

bool run(const SetsidStep &, Machine &m) {
  int result = sys::setsid();
  return result >= 0 || result == -EPERM || m.fail(result, "setsid");
}

bool run(const JoinSessionKeyringStep &s, Machine &m) {
  // The owner may search the keyring, so that exec can join it by its name, and no more: root of another container, who
  // is the same user to the kernel, would see the name and read the keys. Who possesses it may do everything.
  constexpr uint32_t kPossessorAll = 0x3f000000,
                     kOwnerSearch = 0x00080000; // KEY_POS_ALL, KEY_USR_SEARCH of linux/key.h
  long key = sys::keyctl(KEYCTL_JOIN_SESSION_KEYRING, sys::word(s.name.data));
  if (key == -ENOSYS) return true;
  if (key < 0) return m.fail(static_cast<int>(key), "keyctl", s.name);
  int64_t permissions = key_permissions(key);
  if (permissions < 0) return m.fail(static_cast<int>(permissions), "keyctl", s.name);
  if ((permissions & kOwnerSearch) != 0) return true;
  long result = sys::keyctl(KEYCTL_SETPERM, key, kPossessorAll | kOwnerSearch);
  return result >= 0 || m.fail(static_cast<int>(result), "keyctl", s.name);
}

bool run(const LoopbackStep &, Machine &m) {
  // struct ifreq of linux/if.h: netdevice(7). A socket of any family carries the request.
  constexpr int kUnix = 1, kDatagram = 2, kCloseOnExec = 02000000;
  constexpr unsigned long kSetFlags = 0x8914; // SIOCSIFFLAGS
  constexpr short kUp = 1;
  struct {
    char name[16];
    short flags;
    char rest[22];
  } request = {"lo", kUp, {}};
  static_assert(sizeof request == 40);
  Fd socket(sys::socket(kUnix, kDatagram | kCloseOnExec, 0));
  if (socket.get() < 0) return m.fail(socket.get(), "socket", "lo");
  int result = sys::ioctl(socket.get(), kSetFlags, sys::word(&request));
  return result == 0 || m.fail(result, "ioctl", "lo");
}

bool run(const SethostnameStep &s, Machine &m) {
  int result = sys::sethostname(s.name.data, s.name.length);
  return result == 0 || m.fail(result, "sethostname", s.name);
}

bool run(const SetdomainnameStep &s, Machine &m) {
  int result = sys::setdomainname(s.name.data, s.name.length);
  return result == 0 || m.fail(result, "setdomainname", s.name);
}

bool run(const NotDumpableStep &, Machine &m) {
  int result = sys::prctl(PR_SET_DUMPABLE, 0);
  return result == 0 || m.fail(result, "prctl", "PR_SET_DUMPABLE");
}

} // namespace runt
