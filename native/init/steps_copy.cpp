// The copy of a directory's content into a filesystem that is to cover it. What is copied may be hostile, and change
// while it is read: every name is taken in the descriptor of its directory and no symlink is followed, so that nothing
// outside is ever read or written; what takes memory is bounded by the new filesystem's size and by kMaxDepth.
#include "steps.h"

namespace runt {
namespace {

constexpr uint32_t kMaxDepth = 400; // two descriptors a level: below the usual limit of 1024
constexpr size_t kEntries = 4096;
constexpr size_t kMaxValue = 65536; // XATTR_SIZE_MAX, and XATTR_LIST_MAX
constexpr uint64_t kMaxChunk = 1 << 30;
constexpr int kData = 3, kHole = 4; // SEEK_DATA, SEEK_HOLE
constexpr unsigned kPermissions = 07777;
constexpr uint64_t kThisEntry = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// The head of the kernel's struct linux_dirent64; the name follows.
struct Entry {
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
};
constexpr size_t kNameOffset = 19;

class Copier {
 public:
  explicit Copier(Machine &machine) : machine_(machine) {}

  bool directory(int from, int to, uint32_t depth);
  bool attributes(int from, int to);

 private:
  bool entry(int from, int to, const char *name, uint32_t depth);
  bool subdirectory(int from, int to, const char *name, const struct statx &status, uint32_t depth);
  bool regular(int from, int to, const char *name);
  bool content(int from, int to, uint64_t size, const char *name);
  bool link(int from, int to, const char *name, const struct statx &status);
  bool node(int to, const char *name, const struct statx &status);

  // Names lie in buffers that are used again: what fails is told by a copy.
  bool fail(int error, const char *call, const char *name) {
    size_t length = length_of(name);
    if (length >= sizeof failed_) length = sizeof failed_ - 1;
    copy_bytes(failed_, name, length);
    failed_[length] = 0;
    char *kept = static_cast<char *>(machine_.allocate(length + 1));
    if (kept == nullptr) return machine_.fail(error, call);
    copy_bytes(kept, failed_, length + 1);
    return machine_.fail(error, call, kept);
  }

  Machine &machine_;
  char *buffers_[kMaxDepth] = {};
  char *names_ = nullptr;
  char *value_ = nullptr;
  char failed_[256];
};

// Extended attributes, as far as the new filesystem takes them: those of a kind that it does not have, or that a user
// namespace may not set, stay behind.
bool Copier::attributes(int from, int to) {
  if (names_ == nullptr) names_ = static_cast<char *>(machine_.allocate(2 * kMaxValue));
  if (names_ == nullptr) return fail(ENOMEM, "mmap", "");
  value_ = names_ + kMaxValue;
  long length = sys::flistxattr(from, names_, kMaxValue);
  if (length == -EOPNOTSUPP) return true;
  if (length < 0) return fail(static_cast<int>(length), "flistxattr", "");
  for (long at = 0; at < length; at += static_cast<long>(length_of(names_ + at)) + 1) {
    const char *name = names_ + at;
    long size = sys::fgetxattr(from, name, value_, kMaxValue);
    if (size == -ENODATA || size == -EOPNOTSUPP || size == -EPERM) continue;
    if (size < 0) return fail(static_cast<int>(size), "fgetxattr", name);
    int result = sys::fsetxattr(to, name, value_, static_cast<size_t>(size));
    if (result < 0 && result != -EOPNOTSUPP && result != -EPERM) return fail(result, "fsetxattr", name);
  }
  return true;
}

// NOLINTNEXTLINE(misc-no-recursion): at most kMaxDepth deep.
bool Copier::directory(int from, int to, uint32_t depth) {
  if (depth >= kMaxDepth) return fail(ELOOP, "getdents64", "too many directories in each other");
  char *&buffer = buffers_[depth];
  if (buffer == nullptr) buffer = static_cast<char *>(machine_.allocate(kEntries));
  if (buffer == nullptr) return fail(ENOMEM, "mmap", "");
  for (;;) {
    long size = sys::getdents64(from, buffer, kEntries);
    if (size < 0) return fail(static_cast<int>(size), "getdents64", "");
    if (size == 0) return true;
    for (long at = 0; at < size;) {
      Entry head;
      copy_bytes(&head, buffer + at, kNameOffset);
      const char *name = buffer + at + kNameOffset;
      at += head.size;
      if (equal(name, ".") || equal(name, "..")) continue;
      if (!entry(from, to, name, depth)) return false;
    }
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
bool Copier::entry(int from, int to, const char *name, uint32_t depth) {
  struct statx status;
  int result = sys::statx(from, name, AT_SYMLINK_NOFOLLOW, &status);
  if (result == -ENOENT) return true; // removed meanwhile
  if (result < 0) return fail(result, "statx", name);
  switch (status.stx_mode & kTypeMask) {
    case kTypeDirectory:
      return subdirectory(from, to, name, status, depth);
    case kTypeRegular:
      return regular(from, to, name);
    case kTypeLink:
      return link(from, to, name, status);
    default:
      return node(to, name, status);
  }
}

// NOLINTNEXTLINE(misc-no-recursion)
bool Copier::subdirectory(int from, int to, const char *name, const struct statx &status, uint32_t depth) {
  constexpr uint64_t kOpen = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd source(sys::openat2(from, name, kOpen, 0, kThisEntry));
  if (source.get() < 0) return fail(source.get(), "openat2", name);
  int result = sys::mkdirat(to, name, 0700);
  if (result < 0) return fail(result, "mkdirat", name);
  Fd target(sys::openat2(to, name, kOpen, 0, kThisEntry));
  if (target.get() < 0) return fail(target.get(), "openat2", name);
  if (!directory(source.get(), target.get(), depth + 1)) return false;
  if ((result = sys::fchown(target.get(), status.stx_uid, status.stx_gid)) < 0) return fail(result, "fchown", name);
  if ((result = sys::fchmod(target.get(), status.stx_mode & kPermissions)) < 0) return fail(result, "fchmod", name);
  return attributes(source.get(), target.get());
}

bool Copier::regular(int from, int to, const char *name) {
  // What took its place meanwhile, a fifo or a terminal, neither holds nor takes this process.
  Fd source(sys::openat2(from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC, 0, kThisEntry));
  if (source.get() < 0) return fail(source.get(), "openat2", name);
  struct statx status;
  int result = sys::statx(source.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return fail(result, "statx", name);
  if ((status.stx_mode & kTypeMask) != kTypeRegular) return fail(ESTALE, "statx", name);
  Fd target(sys::openat2(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600, kThisEntry));
  if (target.get() < 0) return fail(target.get(), "openat2", name);
  if (!content(source.get(), target.get(), status.stx_size, name)) return false;
  if ((result = sys::fchown(target.get(), status.stx_uid, status.stx_gid)) < 0) return fail(result, "fchown", name);
  if ((result = sys::fchmod(target.get(), status.stx_mode & kPermissions)) < 0) return fail(result, "fchmod", name);
  // Last: a change of owner takes file capabilities away.
  return attributes(source.get(), target.get());
}

// Data only: holes stay holes, however large the file says that it is. What is added meanwhile is left out.
bool Copier::content(int from, int to, uint64_t size, const char *name) {
  for (uint64_t at = 0; at < size;) {
    long data = sys::lseek(from, static_cast<long>(at), kData);
    if (data == -ENXIO) break; // nothing but a hole from here on
    if (data < 0) return fail(static_cast<int>(data), "lseek", name);
    long hole = sys::lseek(from, data, kHole);
    if (hole < 0) return fail(static_cast<int>(hole), "lseek", name);
    uint64_t end = static_cast<uint64_t>(hole) < size ? static_cast<uint64_t>(hole) : size;
    at = static_cast<uint64_t>(data);
    if (sys::lseek(from, data, 0) < 0 || sys::lseek(to, data, 0) < 0) return fail(EIO, "lseek", name);
    while (at < end) {
      uint64_t chunk = end - at < kMaxChunk ? end - at : kMaxChunk;
      long copied = sys::sendfile(to, from, chunk);
      if (copied < 0) return fail(static_cast<int>(copied), "sendfile", name);
      if (copied == 0) return true; // truncated meanwhile
      at += static_cast<uint64_t>(copied);
    }
  }
  int result = sys::ftruncate(to, size);
  return result == 0 || fail(result, "ftruncate", name);
}

bool Copier::link(int from, int to, const char *name, const struct statx &status) {
  char target[4096];
  long size = sys::readlinkat(from, name, target, sizeof target - 1);
  if (size < 0) return fail(static_cast<int>(size), "readlinkat", name);
  target[size] = 0;
  int result = sys::symlinkat(target, to, name);
  if (result < 0) return fail(result, "symlinkat", name);
  result = sys::fchownat(to, name, status.stx_uid, status.stx_gid, AT_SYMLINK_NOFOLLOW);
  return result == 0 || fail(result, "fchownat", name);
}

// A fifo, a socket that nobody listens on, or a device: opening one is up to the container's device rules.
bool Copier::node(int to, const char *name, const struct statx &status) {
  unsigned minor = status.stx_rdev_minor;
  unsigned device = (minor & 0xff) | status.stx_rdev_major << 8 | (minor & ~0xffu) << 12;
  int result = sys::mknodat(to, name, status.stx_mode, device);
  if (result < 0) return fail(result, "mknodat", name);
  result = sys::fchownat(to, name, status.stx_uid, status.stx_gid, AT_SYMLINK_NOFOLLOW);
  return result == 0 || fail(result, "fchownat", name);
}

} // namespace

bool run(const CopyUpStep &s, Machine &m) {
  constexpr uint64_t kOpen = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  Fd from(sys::openat2(m.get(s.target), ".", kOpen, 0, RESOLVE_BENEATH));
  if (from.get() < 0) return m.fail(from.get(), "openat2");
  Fd to(sys::openat2(m.get(s.mount), ".", kOpen, 0, RESOLVE_BENEATH));
  if (to.get() < 0) return m.fail(to.get(), "openat2");
  struct statx status;
  int result = sys::statx(from.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx");
  Copier copier(m);
  if (!copier.directory(from.get(), to.get(), 0)) return false;
  if (s.owner != 0 && (result = sys::fchown(to.get(), status.stx_uid, status.stx_gid)) < 0)
    return m.fail(result, "fchown");
  return copier.attributes(from.get(), to.get());
}

} // namespace runt
