// Steps on the console and the standard streams.
#include <asm/ioctls.h>
#include <asm/termios.h>

#include "steps.h"

namespace runt {
namespace {

constexpr long kDevptsMagic = 0x1cd1; // linux/magic.h

} // namespace

bool run(const OpenConsoleStep &s, Machine &m) {
  // The container's own devpts, proven to be one before anything in it is opened: a replaced /dev/pts/ptmx would hand
  // out another terminal (CVE-2025-52565), and to open a device of an image can by itself do things.
  Fd pts(sys::openat2(m.get(s.root), "dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC, 0,
                      RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS));
  if (pts.get() < 0) return m.fail(pts.get(), "openat2", "/dev/pts");
  if (sys::filesystem_type(pts.get()) != kDevptsMagic) return m.fail(ENODEV, "statfs", "/dev/pts is not a devpts");
  Fd ptmx(sys::openat2(pts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS));
  if (ptmx.get() < 0) return m.fail(ptmx.get(), "openat2", "/dev/pts/ptmx");
  struct statx status;
  int result = sys::statx(ptmx.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx", "/dev/pts/ptmx");
  bool real =
      (status.stx_mode & kTypeMask) == kTypeCharacter && status.stx_rdev_major == 5 && status.stx_rdev_minor == 2;
  if (!real) return m.fail(ENODEV, "statx", "/dev/pts/ptmx is not the multiplexer of a devpts");

  int unlock = 0;
  if ((result = sys::ioctl(ptmx.get(), TIOCSPTLCK, sys::word(&unlock))) < 0)
    return m.fail(result, "ioctl", "TIOCSPTLCK");
  Fd terminal(sys::ioctl(ptmx.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (terminal.get() < 0) return m.fail(terminal.get(), "ioctl", "TIOCGPTPEER");
  if (s.rows != 0 || s.columns != 0) {
    struct winsize size = {static_cast<unsigned short>(s.rows), static_cast<unsigned short>(s.columns), 0, 0};
    if ((result = sys::ioctl(ptmx.get(), TIOCSWINSZ, sys::word(&size))) < 0)
      return m.fail(result, "ioctl", "TIOCSWINSZ");
  }
  // The group stays the one that devpts gives (its gid= option), so that the mode 0620 means what it says.
  result = sys::fchownat(terminal.get(), "", s.uid, s.gid, AT_EMPTY_PATH);
  if (result < 0) return m.fail(result, "fchownat", "the terminal");
  static const char name[] = "/dev/ptmx";
  if (!m.send(MessageType::Descriptor, 0, Str{name, sizeof name - 1}, ptmx.get())) return false;
  return m.fill(s.dst, static_cast<Fd &&>(terminal));
}

bool run(const UseConsoleStep &s, Machine &m) {
  int terminal = m.get(s.terminal);
  int result = sys::setsid();
  if (result < 0 && result != -EPERM) return m.fail(result, "setsid");
  if ((result = sys::ioctl(terminal, TIOCSCTTY, 0)) < 0) return m.fail(result, "ioctl", "TIOCSCTTY");
  for (int stream = 0; stream < 3; stream++)
    // allow cloexec: a standard stream, which is to be inherited
    if ((result = sys::dup3(terminal, stream, 0)) < 0) return m.fail(result, "dup3");
  m.drop(s.terminal);
  return true;
}

bool run(const ChownStreamsStep &s, Machine &m) {
  for (int stream = 0; stream < 3; stream++) {
    struct statx status;
    int result = sys::statx(stream, "", AT_EMPTY_PATH, &status);
    if (result == -EBADF) continue;
    if (result < 0) return m.fail(result, "statx", "a standard stream");
    unsigned type = status.stx_mode & kTypeMask;
    if (type == kTypeCharacter || type == kTypeBlock || type == kTypeDirectory || status.stx_uid == s.uid) continue;
    // Who owns a file may open it for writing: one that is only to be read stays its owner's.
    if (type == kTypeRegular && (sys::get_flags(stream) & O_ACCMODE) == O_RDONLY) continue;
    result = sys::fchownat(stream, "", s.uid, 0xffffffff, AT_EMPTY_PATH);
    // A stream that cannot be given away (read-only filesystem, owner outside the user namespace, anonymous inode)
    // still works.
    if (result < 0 && result != -EINVAL && result != -EPERM && result != -EROFS && result != -EOPNOTSUPP)
      return m.fail(result, "fchownat", "a standard stream");
  }
  return true;
}

} // namespace runt
