// Paths below a directory that somebody else may change while we look: every step is one openat2(2) that cannot leave
// the directory, and whatever is created is created through the descriptor of its parent (CVE-2021-30465,
// CVE-2024-45310).
#include "machine.h"

namespace runt {
namespace {

constexpr uint64_t kInside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
constexpr uint64_t kOneComponent = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
constexpr uint32_t kAny = 0, kDirectory = 1, kNotDirectory = 2, kRealDirectory = 3, kEntry = 4;
constexpr uint32_t kMakeFile = 2;
constexpr size_t kPathMax = 4096;
constexpr int kMaxLinks = 40;

uint64_t flags_for(uint32_t kind) {
  uint64_t flags = O_PATH | O_CLOEXEC;
  if (kind == kDirectory || kind == kRealDirectory) flags |= O_DIRECTORY;
  if (kind == kRealDirectory || kind == kEntry) flags |= O_NOFOLLOW;
  return flags;
}

// A path that grows and shrinks in place.
struct Path {
  char text[kPathMax];
  size_t length = 0;

  bool append(const char *part, size_t size) {
    if (length + size + 2 > kPathMax) return false;
    copy_bytes(text + length, part, size);
    length += size;
    text[length] = 0;
    return true;
  }
};

Fd checked_kind(Fd fd, uint32_t kind, const char **call) {
  if (fd.get() < 0 || kind != kNotDirectory) return fd;
  struct statx status;
  int result = sys::statx(fd.get(), "", AT_EMPTY_PATH, &status);
  *call = "statx";
  if (result < 0) return Fd(result);
  if ((status.stx_mode & kTypeMask) == kTypeDirectory) return Fd(-EISDIR);
  return fd;
}

// Creates or enters the component `name` of `parent`, and returns it. `made`: whether this made a directory.
Fd enter(int parent, const char *name, bool last, uint32_t make, uint32_t mode, const char **call, bool *made) {
  if (last && make == kMakeFile) {
    *call = "openat2";
    return Fd(sys::openat2(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, mode, kOneComponent));
  }
  *call = "mkdirat";
  int result = sys::mkdirat(parent, name, last ? mode : 0755);
  if (result < 0 && result != -EEXIST) return Fd(result);
  *made = result == 0;
  *call = "openat2";
  return Fd(sys::openat2(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, kOneComponent));
}

// Cuts the last component (and the slashes around it) off `path`; returns where it started in `component`.
bool cut(Path &path, Path &rest) {
  while (path.length > 0 && path.text[path.length - 1] == '/') path.length--;
  size_t end = path.length;
  while (path.length > 0 && path.text[path.length - 1] != '/') path.length--;
  size_t size = end - path.length;
  if (size == 0) return false;
  // rest := component "/" rest
  if (rest.length + size + 2 > kPathMax) return false;
  __builtin_memmove(rest.text + size + 1, rest.text, rest.length);
  copy_bytes(rest.text, path.text + path.length, size);
  rest.text[size] = '/';
  rest.length += size + 1;
  rest.text[rest.length] = 0;
  while (path.length > 0 && path.text[path.length - 1] == '/') path.length--;
  path.text[path.length] = 0;
  return true;
}

} // namespace

Fd open_in(int root, Str wanted, uint32_t make, uint32_t mode, uint32_t kind, const char **call, bool *made) {
  *call = "openat2";
  const char *whole = wanted.length == 0 ? "/" : wanted.data;
  // allow cloexec: flags_for has it
  Fd fd(sys::openat2(root, whole, flags_for(kind), 0, kInside));
  if (fd.get() != -ENOENT || make == 0) return checked_kind(static_cast<Fd &&>(fd), kind, call);

  // Something is missing: find the longest part that is there, and make the rest below it. `path` is resolved by the
  // kernel from the root each time; a link that leads nowhere is followed by putting its target into the path.
  Path path, rest;
  if (!path.append(whole, wanted.length == 0 ? 1 : wanted.length)) return Fd(-ENAMETOOLONG);
  for (int links = 0; links <= kMaxLinks; links++) {
    rest.length = 0;
    Fd parent(-ENOENT);
    while (parent.get() == -ENOENT) {
      if (!cut(path, rest)) return Fd(-ENOENT);
      *call = "openat2";
      parent.reset(
          sys::openat2(root, path.length == 0 ? "/" : path.text, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, kInside));
    }
    if (parent.get() < 0) return parent;

    bool followed = false;
    for (size_t at = 0; at < rest.length && !followed;) {
      size_t end = at;
      while (rest.text[end] != '/') end++;
      rest.text[end] = 0;
      const char *name = rest.text + at;
      size_t next = end + 1;
      while (next < rest.length && rest.text[next] == '/') next++;
      bool last = next >= rest.length;

      char target[kPathMax];
      long size = sys::readlinkat(parent.get(), name, target, sizeof target - 1);
      if (size > 0 && !(last && kind == kRealDirectory)) {
        // path := (path | "") "/" target "/" rest, and from the top.
        if (target[0] == '/') path.length = 0;
        if (!path.append("/", 1) || !path.append(target, static_cast<size_t>(size)) ||
            (!last && (!path.append("/", 1) || !path.append(rest.text + next, rest.length - next))))
          return Fd(-ENAMETOOLONG);
        followed = true;
        break;
      }
      bool by_this = false;
      Fd child = enter(parent.get(), name, last, make, mode, call, &by_this);
      if (child.get() < 0) return child;
      if (last && made != nullptr) *made = by_this;
      if (!path.append("/", 1) || !path.append(name, end - at)) return Fd(-ENAMETOOLONG);
      parent = static_cast<Fd &&>(child);
      at = next;
    }
    if (followed) {
      // It may lead somewhere after all by now.
      // allow cloexec: flags_for has it
      Fd found(sys::openat2(root, path.text, flags_for(kind), 0, kInside));
      if (found.get() != -ENOENT) return checked_kind(static_cast<Fd &&>(found), kind, call);
      continue;
    }
    return checked_kind(static_cast<Fd &&>(parent), kind == kNotDirectory ? kNotDirectory : kAny, call);
  }
  return Fd(-ELOOP);
}

} // namespace runt
