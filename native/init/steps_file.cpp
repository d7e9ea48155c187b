// Steps on files below a directory: targets of mounts, device nodes, links, files of a private procfs.
#include "steps.h"

namespace runt {
namespace {

constexpr uint64_t kProcRoot = 1; // PROC_ROOT_INO of the kernel
// Nothing mounted over a part of it, no link out of it.
constexpr uint64_t kProcOnly = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// CVE-2019-16884, CVE-2025-52881
bool verify_procfs(int proc, Machine &m) {
  long type = sys::filesystem_type(proc);
  if (type < 0) return m.fail(static_cast<int>(type), "fstatfs");
  return type == kProcMagic || m.fail(EXDEV, "fstatfs", "not a procfs");
}

bool write_text(int proc, const char *path, Str text, Str subject, Machine &m) {
  Fd file(sys::openat2(proc, path, O_WRONLY | O_CLOEXEC, 0, kProcOnly));
  if (file.get() < 0) return m.fail(file.get(), "openat2", subject);
  long size = sys::write(file.get(), text.data, text.length);
  if (size < 0) return m.fail(static_cast<int>(size), "write", subject);
  return size == static_cast<long>(text.length) || m.fail(EIO, "write", subject);
}

// Opens the directory of this process in a procfs of any pid namespace that it is in.
Fd open_self(int proc, Machine &m) {
  if (!verify_procfs(proc, m)) return Fd();
  struct statx status;
  int result = sys::statx(proc, "", AT_EMPTY_PATH, &status);
  if (result < 0 || status.stx_ino != kProcRoot) {
    m.fail(result < 0 ? result : -EXDEV, "statx", "not the root of a procfs");
    return Fd();
  }
  char pid[16];
  long size = sys::readlinkat(proc, "self", pid, sizeof pid - 1);
  if (size > 0) pid[size] = 0;
  if (size <= 0 || number_in(pid, INT32_MAX) <= 0) {
    m.fail(size < 0 ? static_cast<int>(size) : -ESRCH, "readlinkat", "self");
    return Fd();
  }
  Fd self(sys::openat2(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, kProcOnly));
  if (self.get() < 0) m.fail(self.get(), "openat2", "self");
  return self;
}

unsigned device_number(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xffu) << 12); // the kernel's new_encode_dev()
}

// Opens the node itself, whatever a symlink of that name would lead to, and proves that it is the one that was asked
// for.
Fd open_node(int dir, const MknodStep &s) {
  Fd node(sys::openat2(dir, s.name.data, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
  if (node.get() < 0) return node;
  struct statx status;
  int result = sys::statx(node.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return Fd(result);
  bool same =
      (status.stx_mode & kTypeMask) == (s.mode & kTypeMask) &&
      ((s.mode & kTypeMask) == kTypeFifo || (status.stx_rdev_major == s.major && status.stx_rdev_minor == s.minor));
  if (!same) return Fd(-EEXIST);
  return node;
}

} // namespace

bool run(const OpenRootStep &s, Machine &m) {
  Fd root(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return m.fail(root.get(), "openat", "/");
  return m.fill(s.dst, static_cast<Fd &&>(root));
}

bool run(const OpenInStep &s, Machine &m) {
  const char *call = "";
  bool made = false;
  Fd fd = open_in(m.get(s.root), s.path, s.make, s.mode, s.kind, &call, &made);
  m.made = made ? fd.get() : -1;
  if (fd.get() == -ENOENT && s.optional != 0) return true;
  if (fd.get() < 0) return m.fail(fd.get(), call, s.path);
  return m.fill(s.dst, static_cast<Fd &&>(fd));
}

bool run(const OpenLikeStep &s, Machine &m) {
  struct statx status;
  int result = sys::statx(m.get(s.source), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx", s.path);
  bool directory = (status.stx_mode & kTypeMask) == kTypeDirectory;
  const char *call = "";
  Fd fd = open_in(m.get(s.root), s.path, directory ? 1 : 2, directory ? 0755 : 0644, directory ? 1 : 2, &call);
  if (fd.get() < 0) return m.fail(fd.get(), call, s.path);
  return m.fill(s.dst, static_cast<Fd &&>(fd));
}

bool run(const CloseStep &s, Machine &m) {
  m.drop(s.fd);
  return true;
}

bool run(const MknodStep &s, Machine &m) {
  int dir = m.get(s.dir);
  int result = sys::mknodat(dir, s.name.data, s.mode, device_number(s.major, s.minor));
  if (result < 0 && result != -EEXIST) return m.fail(result, "mknodat", s.name);
  Fd node = open_node(dir, s);
  if (node.get() < 0) return m.fail(node.get(), "mknodat", s.name);
  if (result == 0 && (s.uid != 0 || s.gid != 0)) result = sys::fchownat(node.get(), "", s.uid, s.gid, AT_EMPTY_PATH);
  return result == 0 || result == -EEXIST || m.fail(result, "fchownat", s.name);
}

bool run(const SymlinkStep &s, Machine &m) {
  constexpr uint32_t kKeepAny = 1, kKeepSame = 2;
  int dir = m.get(s.dir);
  int result = sys::symlinkat(s.target.data, dir, s.name.data);
  if (result == -EEXIST && s.keep == kKeepAny) return true;
  if (result == -EEXIST && s.keep == kKeepSame) {
    char target[4096];
    long size = sys::readlinkat(dir, s.name.data, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = 0;
    return (size >= 0 && equal(target, s.target.data)) || m.fail(EEXIST, "symlinkat", s.name);
  }
  if (result == -EEXIST) {
    result = sys::unlinkat(dir, s.name.data, 0);
    if (result < 0 && result != -ENOENT) return m.fail(result, "unlinkat", s.name);
    result = sys::symlinkat(s.target.data, dir, s.name.data);
  }
  return result == 0 || m.fail(result, "symlinkat", s.name);
}

bool run(const VerifyDeviceStep &s, Machine &m) {
  struct statx status;
  int result = sys::statx(m.get(s.fd), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx");
  bool same =
      (status.stx_mode & kTypeMask) == s.type && status.stx_rdev_major == s.major && status.stx_rdev_minor == s.minor;
  return same || m.fail(ENODEV, "statx", "not the device asked for");
}

bool run(const VerifyNullStep &s, Machine &m) {
  struct statx status;
  int result = sys::statx(m.get(s.fd), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx");
  bool null =
      (status.stx_mode & kTypeMask) == kTypeCharacter && status.stx_rdev_major == 1 && status.stx_rdev_minor == 3;
  return null || m.fail(ENODEV, "statx", "not the null device");
}

bool run(const WriteProcStep &s, Machine &m) {
  int proc = m.get(s.proc);
  return verify_procfs(proc, m) && write_text(proc, s.path.data, s.text, s.path, m);
}

bool run(const WriteSelfStep &s, Machine &m) {
  Fd self = open_self(m.get(s.proc), m);
  return self.valid() && write_text(self.get(), s.path.data, s.text, s.path, m);
}

bool run(const VerifySelfStep &s, Machine &m) {
  Fd self = open_self(m.get(s.proc), m);
  if (!self.valid()) return false;
  if (s.links.count % 2 != 0) return m.fail(EINVAL, "readlinkat", "a link without its target");
  const char *at = s.links.data;
  for (uint32_t i = 0; i < s.links.count; i += 2) {
    const char *path = at, *expected = path + length_of(path) + 1;
    at = expected + length_of(expected) + 1;
    char target[256];
    long size = sys::readlinkat(self.get(), path, target, sizeof target - 1);
    if (size < 0) return m.fail(static_cast<int>(size), "readlinkat", path);
    target[size] = 0;
    if (equal(target, expected)) continue;
    copy_bytes(m.detail, target, static_cast<size_t>(size));
    m.detail_length = static_cast<uint32_t>(size);
    return m.fail(ESTALE, "readlinkat", path);
  }
  return true;
}

} // namespace runt
