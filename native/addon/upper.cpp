#include "upper.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <string_view>

#include "archive_entry.h"
#include "failure.h"

namespace runt {

namespace {

// As unpack_tree.cpp has it: what is deeper is no layer that can be unpacked.
constexpr size_t kMaxDepth = 200;

struct CloseDirectory {
  void operator()(DIR *directory) const { ::closedir(directory); }
};

Fd open_below(int directory, const char *name, uint64_t flags) {
  open_how how = {};
  how.flags = flags | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return Fd(static_cast<int>(retry([&] { return ::syscall(SYS_openat2, directory, name, &how, sizeof how); })));
}

std::string proc_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Those of overlayfs are how it keeps its layers; the others say what a machine thinks of a file, and not what is in
// it.
bool is_left_out(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.") || name == "security.selinux" ||
         name == "system.nfs4_acl";
}

// Filesystems without attributes, or without one of a name, answer with one of these.
bool has_none(int error) { return error == ENODATA || error == ENOTSUP; }

} // namespace

Fd open_upper(const std::string &directory) {
  // allow path: of the host, from the registration of the container in the store
  Fd base(retry([&] { return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!base.valid()) fail("open", directory);
  const std::string path = directory + "/upper";
  const Fd upper = open_below(base.get(), "upper", O_PATH | O_DIRECTORY);
  if (!upper.valid()) fail("openat2", path);
  Fd tree(
      static_cast<int>(::syscall(SYS_open_tree, upper.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree.valid()) fail("open_tree", path);
  mount_attr attributes = {};
  attributes.attr_set =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;
  attributes.attr_clr = MOUNT_ATTR__ATIME;
  if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    fail("mount_setattr", path);
  return tree;
}

std::optional<UpperEntry> open_entry(int directory, const std::string &name, const std::string &path) {
  UpperEntry entry{open_below(directory, name.c_str(), O_PATH), {}};
  if (!entry.fd.valid()) {
    if (errno == ENOENT) return std::nullopt;
    fail("openat2", path);
  }
  if (::fstatat(entry.fd.get(), "", &entry.status, AT_EMPTY_PATH) != 0) fail("fstatat", path);
  return entry;
}

Fd open_for_reading(const UpperEntry &entry, const std::string &path) {
  // What the descriptor stands for, which has been looked at, and not what has its name now.
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (entry.is_directory() ? O_DIRECTORY : 0);
  Fd fd(retry([&] { return ::open(proc_path(entry.fd.get()).c_str(), flags); }));
  if (!fd.valid()) fail("open", path);
  return fd;
}

std::vector<UpperName> sorted_names(int directory, const std::string &path, NameBudget &budget) {
  Fd copy = open_below(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!copy.valid()) fail("openat2", path);
  std::unique_ptr<DIR, CloseDirectory> listing(::fdopendir(copy.get()));
  if (!listing) fail("fdopendir", path);
  copy.release();
  std::vector<UpperName> names;
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(listing.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (budget.used++ == budget.most) throw Refused{"entries", "", std::to_string(budget.most)};
    names.push_back({std::string(name), entry->d_type});
  }
  if (errno != 0) fail("readdir", path);
  std::sort(names.begin(), names.end(), [](const UpperName &a, const UpperName &b) { return a.name < b.name; });
  // A directory that changes while it is read may tell a name twice.
  names.erase(
      std::unique(names.begin(), names.end(), [](const UpperName &a, const UpperName &b) { return a.name == b.name; }),
      names.end());
  return names;
}

std::string path_below(const std::string &directory, const std::string &name, size_t depth) {
  std::string path = directory.empty() ? name : directory + "/" + name;
  if (depth >= kMaxDepth) throw Refused{"depth", path, std::to_string(kMaxDepth)};
  if (path.size() >= PATH_MAX) throw Refused{"path-length", path, std::to_string(PATH_MAX - 1)};
  return path;
}

std::string target_of(const UpperEntry &entry, const std::string &path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlinkat(entry.fd.get(), "", target, sizeof target);
  if (size == -1) fail("readlinkat", path);
  return {target, static_cast<size_t>(size)};
}

AttributeReader::AttributeReader() : names_(new char[XATTR_LIST_MAX]), value_(new char[XATTR_SIZE_MAX]) {}

bool AttributeReader::read(const std::string &link, const char *name, const std::string &path, std::string &value) {
  const ssize_t size = ::getxattr(link.c_str(), name, value_.get(), XATTR_SIZE_MAX);
  if (size == -1) {
    if (has_none(errno)) return false;
    fail("getxattr", path + " (" + name + ")");
  }
  value.assign(value_.get(), static_cast<size_t>(size));
  return true;
}

Attributes AttributeReader::all(const UpperEntry &entry, const std::string &path) {
  const std::string link = proc_path(entry.fd.get());
  const ssize_t listed = ::listxattr(link.c_str(), names_.get(), XATTR_LIST_MAX);
  if (listed == -1 && !has_none(errno)) fail("listxattr", path);
  Attributes attributes;
  std::string value;
  for (const char *name = names_.get(); name < names_.get() + listed; name += std::strlen(name) + 1)
    if (!is_left_out(name) && read(link, name, path, value)) attributes.emplace(name, std::move(value));
  return attributes;
}

bool AttributeReader::opaque(const UpperEntry &entry, const std::string &path) {
  std::string value;
  return read(proc_path(entry.fd.get()), "trusted.overlay.opaque", path, value) && value == "y";
}

} // namespace runt
