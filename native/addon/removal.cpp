// Removal of a tree that a container has made: of any depth and width, with names and attributes of any kind.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>

#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

struct CloseDirectory {
  void operator()(DIR *directory) const { ::closedir(directory); }
};

Fd open_below(int parent, const char *name, uint64_t flags) {
  open_how how = {};
  how.flags = flags | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  return Fd(static_cast<int>(retry([&] { return ::syscall(SYS_openat2, parent, name, &how, sizeof how); })));
}

// Takes away what keeps root from removing names: chattr(1) +i and +a. Best effort: the removal tells what it cannot
// do.
void make_mutable(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return;
  const int wanted = flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  if (wanted != flags) ::ioctl(fd, FS_IOC_SETFLAGS, &wanted);
}

// Empties directories one after the other, and holds two of them at most: one that is not empty is first moved to the
// top of the tree. So no depth needs a stack or descriptors.
class Removal {
 public:
  Removal(int top, std::string path) : top_(top), path_(std::move(path)) {}

  void run() {
    empty(top_, true);
    while (!waiting_.empty()) {
      const std::string name = std::move(waiting_.front());
      waiting_.pop_front();
      remove_directory(name);
    }
  }

 private:
  void remove_directory(const std::string &name) {
    Fd directory = open_directory(name);
    if (!directory.valid()) {
      if (errno == ENOENT) return;
      fail("openat2", below(name));
    }
    empty(directory.get(), false);
    if (::unlinkat(top_, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail("rmdir", below(name));
  }

  // Its owner, who is not root, may have no permission for it yet.
  Fd open_directory(const std::string &name) {
    Fd directory = open_below(top_, name.c_str(), O_RDONLY | O_DIRECTORY);
    if (directory.valid() || errno != EACCES) return directory;
    allow(top_, name.c_str());
    return open_below(top_, name.c_str(), O_RDONLY | O_DIRECTORY);
  }

  static void allow(int parent, const char *name) {
    Fd entry = open_below(parent, name, O_PATH | O_DIRECTORY);
    if (!entry.valid()) return;
    const std::string link = "/proc/self/fd/" + std::to_string(entry.get());
    if (::chmod(link.c_str(), 0700) != 0) errno = EACCES;
  }

  void empty(int directory, bool is_top) {
    Fd copy = open_below(directory, ".", O_RDONLY | O_DIRECTORY);
    if (!copy.valid()) fail("openat2", path_);
    std::unique_ptr<DIR, CloseDirectory> listing(::fdopendir(copy.get()));
    if (!listing) fail("fdopendir", path_);
    copy.release();
    for (;;) {
      errno = 0;
      const dirent *entry = ::readdir(listing.get());
      if (entry == nullptr) break;
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
        remove(directory, entry->d_name, is_top);
    }
    if (errno != 0) fail("readdir", path_);
  }

  void remove(int directory, const char *name, bool is_top) {
    if (unlink(directory, name, 0) || errno == ENOENT) return;
    // Linux says EISDIR for a directory, POSIX says EPERM.
    if (errno != EISDIR && errno != EPERM) fail("unlink", below(name));
    if (unlink(directory, name, AT_REMOVEDIR) || errno == ENOENT) return;
    if (errno == ENOTDIR) fail_with(EPERM, "unlink", below(name));
    if (errno != ENOTEMPTY && errno != EEXIST) fail("rmdir", below(name));
    if (is_top) {
      waiting_.emplace_back(name);
      return;
    }
    move_to_top(directory, name);
  }

  bool unlink(int directory, const char *name, int flags) const {
    if (::unlinkat(directory, name, flags) == 0) return true;
    if (errno == EACCES) {
      ::fchmod(directory, 0700);
      return ::unlinkat(directory, name, flags) == 0;
    }
    if (errno != EPERM) return false;
    Fd entry = open_below(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (entry.valid()) make_mutable(entry.get());
    make_mutable(directory);
    return ::unlinkat(directory, name, flags) == 0;
  }

  void move_to_top(int directory, const char *name) {
    for (bool allowed = false;;) {
      const std::string moved = kPrefix + std::to_string(moved_++);
      if (::syscall(SYS_renameat2, directory, name, top_, moved.c_str(), RENAME_NOREPLACE) == 0) {
        waiting_.push_back(moved);
        return;
      }
      if (errno == EEXIST) continue;
      if ((errno != EACCES && errno != EPERM) || allowed) fail("renameat2", below(name));
      // ".." of what is moved is written to.
      allowed = true;
      if (errno == EPERM) {
        Fd entry = open_below(directory, name, O_RDONLY | O_DIRECTORY);
        if (entry.valid()) make_mutable(entry.get());
        make_mutable(directory);
      } else {
        ::fchmod(directory, 0700);
        allow(directory, name);
      }
    }
  }

  // For errors: where in the tree it was is not known.
  std::string below(const std::string &name) const { return path_ + "/…/" + name; }

  static constexpr const char *kPrefix = ".removed-";

  const int top_;
  const std::string path_;
  uint64_t moved_ = 0;
  std::deque<std::string> waiting_;
};

// removeDeep(path): everything by descriptors, so that no name can be exchanged for a symlink on the way.
Napi::Value remove_deep(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") args.refuse("path", "must name a directory");
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  // allow path: above the directory that is removed, which the caller names on the host
  Fd above(retry([&] { return ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!above.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) return info.Env().Undefined();
    fail("open", parent);
  }
  Fd top = open_below(above.get(), name.c_str(), O_RDONLY | O_DIRECTORY);
  if (!top.valid()) {
    if (errno == ENOENT) return info.Env().Undefined();
    fail("openat2", path);
  }
  Removal(top.get(), path).run();
  if (::unlinkat(above.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail("rmdir", path);
  return info.Env().Undefined();
}

} // namespace

void bind_removal(Napi::Object exports) { bind<remove_deep>(exports, "removeDeep"); }

} // namespace runt
