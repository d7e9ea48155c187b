// allow path in this file: of the store, which only its owner can write to
#include "unpack_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
// Not sys/mount.h, which older versions of the C library cannot have beside it.
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <climits>
#include <cstring>
#include <exception>
#include <thread>

#include "failure.h"

namespace runt {

namespace {

constexpr const char *kUpper = "fs";
constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
// Names of layers in the option, which mount(2) takes a page of.
constexpr size_t kMaxLayers = 500;
constexpr int kMaxTries = 100000;

// A mount of the directory of its own, so that the path to it may be as long as it is.
void place(const std::string &path, const std::string &name) {
  Fd tree(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) fail("open_tree", path);
  if (::mkdir(name.c_str(), 0700) != 0) fail("mkdir", name);
  if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, name.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("move_mount", path);
}

// In a mount namespace of the calling thread's own. The namespace ends with the thread, the mount with its descriptor.
Fd mount_in_own_namespace(const std::vector<std::string> &layers, const std::string &directory, Rights rights) {
  if (::unshare(CLONE_NEWNS) != 0) fail("unshare", "mount namespace");
  if (::syscall(SYS_mount, nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("mount", "/ (private)");
  Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) fail("fsopen", "tmpfs");
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) fail("fsconfig", "tmpfs");
  Fd bench(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!bench.valid()) fail("fsmount", "tmpfs");
  // Somewhere it has to be for others to be mounted on it: over a directory that the layers are not in.
  if (::syscall(SYS_move_mount, bench.get(), "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail("move_mount", "tmpfs");
  if (::fchdir(bench.get()) != 0) fail("fchdir", "tmpfs");
  // A directory that is there twice is refused by overlayfs, so a lower one of its own is always below a single one.
  std::string options = "lowerdir=";
  for (size_t i = 0; i < layers.size(); i++) {
    const std::string name = std::to_string(i);
    place(layers[i], name);
    if (i > 0) options += ':';
    options += name;
  }
  unsigned long flags = kFlags;
  if (directory.empty()) {
    if (::mkdir("none", 0700) != 0) fail("mkdir", "tmpfs");
    options += ":none";
    flags |= MS_RDONLY;
  } else {
    place(directory, "own");
    options.append(",upperdir=own/").append(kUpper).append(",workdir=own/work");
  }
  options += ",index=off,metacopy=off,redirect_dir=nofollow";
  if (rights != Rights::kAll) options += ",userxattr";
  if (::mkdir("root", 0700) != 0) fail("mkdir", "tmpfs");
  if (::syscall(SYS_mount, "overlay", "root", "overlay", flags, options.c_str()) != 0) fail("mount", "overlay");
  // A clone, in the anonymous namespace that it gets with open_tree(2). With the first mount, which is in none once
  // this namespace is gone, putting a path counts as a change of the mounts, and openat2(2) never gets past an absolute
  // link and `..`.
  Fd root(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "root", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!root.valid()) fail("open_tree", "overlay");
  return root;
}

// What only a namespace of one's own allows is done by a thread of its own.
template <typename Function>
Fd in_thread(const Function &function) {
  Fd root;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      root = function();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return root;
}

Fd clone_base(const std::string &directory) {
  const std::string path = directory + "/" + kUpper;
  Fd tree(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) fail("open_tree", path);
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    fail("mount_setattr", path);
  return tree;
}

} // namespace

Fd mount_layers(const std::vector<std::string> &layers, const std::string &directory, Rights rights) {
  if (layers.size() > kMaxLayers) fail_with(E2BIG, "mount", "overlay");
  return in_thread([&] { return mount_in_own_namespace(layers, directory, rights); });
}

Fd mount_base(const std::string &directory, Rights rights) {
  if (rights == Rights::kAll) return clone_base(directory);
  // Root of a user namespace may be in a mount namespace that is not its own.
  return in_thread([&] {
    if (::unshare(CLONE_NEWNS) != 0) fail("unshare", "mount namespace");
    return clone_base(directory);
  });
}

void inherit_root(const std::string &below, const std::string &directory) {
  const std::string path = directory + "/" + kUpper;
  timespec times[2] = {};
  if (!below.empty()) {
    struct stat status;
    if (::lstat(below.c_str(), &status) != 0) fail("lstat", below);
    if (::lchown(path.c_str(), status.st_uid, status.st_gid) != 0) fail("lchown", path);
    if (::chmod(path.c_str(), status.st_mode & 07777) != 0) fail("chmod", path);
    times[0] = times[1] = status.st_mtim;
    char names[XATTR_LIST_MAX];
    const ssize_t listed = ::llistxattr(below.c_str(), names, sizeof names);
    if (listed == -1 && errno != ENOTSUP) fail("llistxattr", below);
    std::string value(XATTR_SIZE_MAX, '\0');
    for (const char *name = names; name < names + listed; name += std::strlen(name) + 1) {
      // What a machine's policy or overlayfs has put there is not the image's.
      if (std::strcmp(name, "security.selinux") == 0 || std::strncmp(name, "trusted.overlay.", 16) == 0 ||
          std::strncmp(name, "user.overlay.", 13) == 0) {
        continue;
      }
      const ssize_t size = ::lgetxattr(below.c_str(), name, value.data(), value.size());
      if (size == -1) fail("lgetxattr", below);
      if (::lsetxattr(path.c_str(), name, value.data(), static_cast<size_t>(size), 0) != 0) fail("lsetxattr", path);
    }
  }
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) fail("utimensat", path);
}

Fd open_in(const Fd &root, const std::string &path, uint64_t flags, uint64_t resolve) {
  open_how how = {};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  const char *name = path.empty() ? "." : path.c_str();
  // EAGAIN: something was mounted or renamed somewhere on the machine, so that the kernel cannot vouch for a `..`.
  for (int tries = 0;; tries++) {
    Fd fd(static_cast<int>(retry([&] { return ::syscall(SYS_openat2, root.get(), name, &how, sizeof how); })));
    if (fd.valid() || errno != EAGAIN || tries == kMaxTries) return fd;
    // allow sleep: no event tells when all of them are done, which is soon
    if (tries > 10) ::sched_yield();
  }
}

} // namespace runt
