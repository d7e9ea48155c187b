// Steps on mounts, by descriptor: the fd-based mount API of Linux 5.2 (fsopen, open_tree, move_mount) and 5.12
// (mount_setattr).
#include "steps.h"

namespace runt {
namespace {

constexpr int kDetach = 2; // MNT_DETACH

Fd clone_of(int fd, unsigned flags) {
  return Fd(sys::open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));
}

// No such path, or one below a file: there is nothing to read or to write.
bool is_missing(const Fd &target) { return target.get() == -ENOENT || target.get() == -ENOTDIR; }

} // namespace

int attach_to(int mount, int target) {
  return sys::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

// The messages that a filesystem context holds ("e proc: Bad value for …"), one a line, into the failure's detail.
void keep_log(int context, Machine &m) {
  while (m.detail_length + 1 < kMaxDetail) {
    long size = sys::read(context, m.detail + m.detail_length, kMaxDetail - m.detail_length - 1);
    if (size <= 0) return;
    m.detail_length += static_cast<uint32_t>(size);
    if (m.detail[m.detail_length - 1] != '\n') m.detail[m.detail_length++] = '\n';
  }
}

// One parameter, `name=value` or `name`.
int configure(int context, Str parameter) {
  char name[256];
  uint32_t length = 0;
  while (length < parameter.length && parameter.data[length] != '=') length++;
  if (length >= sizeof name) return -EINVAL;
  copy_bytes(name, parameter.data, length);
  name[length] = 0;
  if (length == parameter.length) return sys::fsconfig(context, FSCONFIG_SET_FLAG, name, nullptr, 0);
  return sys::fsconfig(context, FSCONFIG_SET_STRING, name, parameter.data + length + 1, 0);
}

Fd new_tmpfs(const char **call) {
  *call = "fsopen";
  Fd context(sys::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (context.get() < 0) return context;
  *call = "fsconfig";
  int result = sys::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "755", 0);
  if (result == 0) result = sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) return Fd(result);
  *call = "fsmount";
  return Fd(sys::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
}

bool run(const PropagationStep &s, Machine &m) {
  mount_attr attributes = {0, 0, s.propagation, 0};
  // allow path: "/" in every plan of the compiler’s
  int result = sys::mount_setattr(AT_FDCWD, s.path.data, s.flags, &attributes);
  return result == 0 || m.fail(result, "mount_setattr", s.path);
}

bool run(const OpenTreeStep &s, Machine &m) {
  // allow path: of the host, which config.json names
  Fd fd(sys::open_tree(AT_FDCWD, s.path.data, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | s.flags));
  if (fd.get() < 0) return m.fail(fd.get(), "open_tree", s.path);
  return m.fill(s.dst, static_cast<Fd &&>(fd));
}

bool run(const OpenTreeOrStep &s, Machine &m) {
  // allow path: of the host, which config.json names
  Fd fd(sys::open_tree(AT_FDCWD, s.path.data, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | s.flags));
  Fd other = m.take(s.other);
  if (fd.get() == -EACCES) return m.fill(s.dst, static_cast<Fd &&>(other));
  if (fd.get() < 0) return m.fail(fd.get(), "open_tree", s.path);
  return m.fill(s.dst, static_cast<Fd &&>(fd));
}

bool run(const CloneTreeStep &s, Machine &m) {
  Fd fd = clone_of(m.get(s.src), s.flags);
  if (fd.get() < 0) return m.fail(fd.get(), "open_tree");
  return m.fill(s.dst, static_cast<Fd &&>(fd));
}

bool run(const NewMountStep &s, Machine &m) {
  Fd context(sys::fsopen(s.type.data, FSOPEN_CLOEXEC));
  if (context.get() < 0) return m.fail(context.get(), "fsopen", s.type);
  auto failed = [&](int result, const char *call, Str subject) {
    keep_log(context.get(), m);
    return m.fail(result, call, subject);
  };
  int result = 0;
  if (s.source.length != 0) result = sys::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", s.source.data, 0);
  if (result < 0) return failed(result, "fsconfig", s.source);
  const char *at = s.parameters.data;
  for (uint32_t i = 0; i < s.parameters.count; i++) {
    Str parameter = {at, static_cast<uint32_t>(length_of(at))};
    if ((result = configure(context.get(), parameter)) < 0) return failed(result, "fsconfig", parameter);
    at += parameter.length + 1;
  }
  result = sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) return failed(result, "fsconfig", s.type);
  Fd mount(sys::fsmount(context.get(), FSMOUNT_CLOEXEC, s.attributes));
  if (mount.get() < 0) return failed(mount.get(), "fsmount", s.type);
  return m.fill(s.dst, static_cast<Fd &&>(mount));
}

namespace {

constexpr uint64_t kAccessTime = MOUNT_ATTR__ATIME;

int set_attributes(int mount, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
  mount_attr attributes = {set, clear, propagation, 0};
  return sys::mount_setattr(mount, "", AT_EMPTY_PATH | flags, &attributes);
}

// As set_attributes, where the kernel said EPERM: attributes that are locked keep their value (mount_namespaces(7): a
// mount of a more privileged user namespace can be made stricter, never laxer), all others get theirs.
int set_unlocked(int mount, const MountAttributesStep &s) {
  int result = set_attributes(mount, s.flags, s.set & ~kAccessTime, 0, s.propagation);
  if (result < 0) return result;
  auto ease = [&](uint64_t set, uint64_t clear) {
    int eased = set_attributes(mount, s.flags, set, clear, 0);
    if (eased < 0 && eased != -EPERM) result = eased;
  };
  for (uint64_t bit = 1; bit != 0 && bit <= s.clear; bit <<= 1)
    if ((s.clear & ~kAccessTime & bit) != 0) ease(0, bit);
  if ((s.clear & kAccessTime) == kAccessTime) ease(s.set & kAccessTime, kAccessTime);
  return result;
}

} // namespace

bool run(const MountAttributesStep &s, Machine &m) {
  int mount = m.get(s.mount);
  int result = set_attributes(mount, s.flags, s.set, s.clear, s.propagation);
  if (result == -EPERM && s.clear != 0) result = set_unlocked(mount, s);
  return result == 0 || m.fail(result, "mount_setattr");
}

bool run(const IdmapStep &s, Machine &m) {
  mount_attr attributes = {MOUNT_ATTR_IDMAP, 0, 0, static_cast<uint64_t>(m.get(s.userns))};
  int result = sys::mount_setattr(m.get(s.mount), "", AT_EMPTY_PATH | s.flags, &attributes);
  return result == 0 || m.fail(result, "mount_setattr");
}

bool run(const ReconfigureStep &s, Machine &m) {
  Fd context(sys::fspick(m.get(s.target), "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
  if (context.get() < 0) return m.fail(context.get(), "fspick");
  auto failed = [&](int result, Str subject) {
    keep_log(context.get(), m);
    return m.fail(result, "fsconfig", subject);
  };
  int result = 0;
  const char *at = s.parameters.data;
  for (uint32_t i = 0; i < s.parameters.count; i++) {
    Str parameter = {at, static_cast<uint32_t>(length_of(at))};
    if ((result = configure(context.get(), parameter)) < 0) return failed(result, parameter);
    at += parameter.length + 1;
  }
  result = sys::fsconfig(context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0);
  return result == 0 || failed(result, {});
}

bool run(const AttachStep &s, Machine &m) {
  // What stands in the place of a process's files in /proc could deceive the kernel's users of them (CVE-2019-16884).
  // An image may lead there by a symlink.
  const long below = sys::filesystem_type(m.get(s.target));
  if (below < 0) return m.fail(static_cast<int>(below), "fstatfs");
  if (below == kProcMagic && sys::filesystem_type(m.get(s.mount)) != kProcMagic) {
    struct statx status;
    int failed = sys::statx(m.get(s.target), "", AT_EMPTY_PATH, &status);
    if (failed < 0) return m.fail(failed, "statx");
    unsigned type = status.stx_mode & kTypeMask;
    if (type == kTypeDirectory || type == kTypeLink) return m.fail(EPERM, "fstatfs", "to a directory of a procfs");
  }
  int result = attach_to(m.get(s.mount), m.get(s.target));
  return result == 0 || m.fail(result, "move_mount");
}

bool run(const CopyModeStep &s, Machine &m) {
  if (m.made >= 0 && m.get(s.target) == m.made) return true;
  struct statx status;
  int result = sys::statx(m.get(s.target), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx");
  Fd root(sys::openat2(m.get(s.mount), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH));
  if (root.get() < 0) return m.fail(root.get(), "openat2");
  result = sys::fchmod(root.get(), status.stx_mode & ~kTypeMask);
  return result == 0 || m.fail(result, "fchmod");
}

bool run(const LabelStep &s, Machine &m) {
  Fd root(sys::openat2(m.get(s.mount), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH));
  if (root.get() < 0) return m.fail(root.get(), "openat2");
  const int result = sys::fsetxattr(root.get(), "security.selinux", s.text.data, s.text.length);
  return result == 0 || m.fail(result, "fsetxattr", s.text);
}

bool run(const AttachHostStep &s, Machine &m) {
  // allow path: of the host: root.path, before anything of the image is seen
  Fd target(sys::openat(AT_FDCWD, s.path.data, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (target.get() < 0) return m.fail(target.get(), "openat", s.path);
  int result = attach_to(m.get(s.mount), target.get());
  return result == 0 || m.fail(result, "move_mount", s.path);
}

bool run(const MaskStep &s, Machine &m) {
  const char *call = "";
  Fd target = open_in(m.get(s.root), s.path, 0, 0, 0, &call);
  if (is_missing(target)) return true;
  if (target.get() < 0) return m.fail(target.get(), call, s.path);
  struct statx status = {};
  int result = sys::statx(target.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx", s.path);
  int cover = m.get((status.stx_mode & kTypeMask) == kTypeDirectory ? s.empty : s.null_);
  Fd clone = clone_of(cover, 0);
  // Linux before 6.15 clones no mount that was never attached: the first use attaches the original, later ones clone
  // that.
  int source = clone.get() == -EINVAL ? cover : clone.get();
  if (source < 0) return m.fail(source, "open_tree", s.path);
  result = attach_to(source, target.get());
  return result == 0 || m.fail(result, "move_mount", s.path);
}

bool run(const ReadonlyPathStep &s, Machine &m) {
  const char *call = "";
  Fd target = open_in(m.get(s.root), s.path, 0, 0, 0, &call);
  if (is_missing(target)) return true;
  if (target.get() < 0) return m.fail(target.get(), call, s.path);
  Fd clone = clone_of(target.get(), AT_RECURSIVE);
  if (clone.get() < 0) return m.fail(clone.get(), "open_tree", s.path);
  mount_attr attributes = {MOUNT_ATTR_RDONLY, 0, 0, 0};
  int result = sys::mount_setattr(clone.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes);
  if (result < 0) return m.fail(result, "mount_setattr", s.path);
  result = attach_to(clone.get(), target.get());
  return result == 0 || m.fail(result, "move_mount", s.path);
}

bool run(const PivotRootStep &s, Machine &m) {
  int root = m.get(s.root);
  int result = sys::fchdir(root);
  if (result < 0) return m.fail(result, "fchdir");
  if (s.move != 0) {
    // The kernel's initial ramfs cannot be pivoted away: pivot_root(2), NOTES.
    Fd slash(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (slash.get() < 0) return m.fail(slash.get(), "openat", "/");
    if ((result = attach_to(root, slash.get())) < 0) return m.fail(result, "move_mount", "/");
    if ((result = sys::chroot(".")) < 0) return m.fail(result, "chroot");
  } else {
    // The old root is stacked on the new one at ".", and taken away from there: pivot_root(2), "pivot_root(".", ".")".
    if ((result = sys::pivot_root(".", ".")) < 0) return m.fail(result, "pivot_root");
    if ((result = sys::umount2(".", kDetach)) < 0) return m.fail(result, "umount2");
  }
  result = sys::chdir("/");
  return result == 0 || m.fail(result, "chdir", "/");
}

bool run(const ChrootStep &s, Machine &m) {
  int result = sys::fchdir(m.get(s.root));
  if (result < 0) return m.fail(result, "fchdir");
  if ((result = sys::chroot(".")) < 0) return m.fail(result, "chroot");
  return (result = sys::chdir("/")) == 0 || m.fail(result, "chdir", "/");
}

} // namespace runt
