// Names in the host's filesystem: status, links, directories, removal.
// allow path in this file: the caller names what is runt’s own on the host; what lies below a root goes by descriptors
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

constexpr int kMaxDepth = 256;

bool missing() { return errno == ENOENT || errno == ENOTDIR; }

const char *type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
      return "char";
    case S_IFBLK:
      return "block";
    default:
      return "file";
  }
}

Napi::Value status(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  struct stat status;
  if (::fstatat(AT_FDCWD, path.c_str(), &status, args.boolean(1, "follow") ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    if (missing()) return info.Env().Undefined();
    fail("stat", path);
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("type", type_of(status.st_mode));
  result.Set("mode", status.st_mode & 07777);
  result.Set("uid", status.st_uid);
  result.Set("gid", status.st_gid);
  result.Set("size", static_cast<double>(status.st_size));
  return result;
}

Napi::Value read_link(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size == -1) fail("readlink", path);
  return Napi::String::New(info.Env(), target, static_cast<size_t>(size));
}

Napi::Value real_path(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) fail("realpath", path);
  return Napi::String::New(info.Env(), resolved);
}

struct CloseDirectory {
  void operator()(DIR *directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// Names without `.` and `..`. Takes the descriptor over.
std::vector<std::string> names_in(Fd fd, const std::string &path) {
  Directory directory(::fdopendir(fd.get()));
  if (!directory) fail("fdopendir", path);
  fd.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      names.emplace_back(entry->d_name);
  }
  if (errno != 0) fail("readdir", path);
  return names;
}

Napi::Value list(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  Fd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) fail("open", path);
  const auto names = names_in(std::move(fd), path);
  auto result = Napi::Array::New(info.Env(), names.size());
  for (size_t i = 0; i < names.size(); i++) result.Set(static_cast<uint32_t>(i), names[i]);
  return result;
}

Napi::Value make_directory(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  if (::mkdir(path.c_str(), args.mode(1)) != 0) fail("mkdir", path);
  return info.Env().Undefined();
}

bool is_directory(const std::string &path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

// As mkdir -p: what exists is fine if it is a directory, or a symlink to one.
Napi::Value make_directories(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const unsigned mode = args.mode(1);
  // Most often only the last component is missing, or none.
  if (::mkdir(path.c_str(), mode) == 0 || (errno == EEXIST && is_directory(path))) return info.Env().Undefined();
  if (errno != ENOENT) fail("mkdir", path);
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0) {
      const int error = errno;
      if (!is_directory(part)) fail_with(error == EEXIST ? ENOTDIR : error, "mkdir", part);
    }
    if (end == std::string::npos) return info.Env().Undefined();
  }
}

Napi::Value remove_directory(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  if (::rmdir(path.c_str()) != 0) fail("rmdir", path);
  return info.Env().Undefined();
}

Napi::Value unlink_file(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  if (::unlink(path.c_str()) != 0) fail("unlink", path);
  return info.Env().Undefined();
}

// The mount that a descriptor is in; 0 where the kernel does not tell (before 5.8).
uint64_t mount_of(int fd) {
  struct statx status = {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0) return 0;
  return (status.stx_mask & STATX_MNT_ID) != 0 ? status.stx_mnt_id : 0;
}

// For a seccomp filter around runt that has no openat2: `name` is one component, so what is left to see is that nothing
// is mounted on it.
Fd open_own_directory_by_mount(int parent, const std::string &name) {
  Fd directory(static_cast<int>(
      retry([&] { return ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); })));
  if (!directory.valid()) return directory;
  const uint64_t mount = mount_of(parent);
  const bool known = mount != 0;
  if (known && mount == mount_of(directory.get())) return directory;
  errno = known ? EXDEV : ENOSYS;
  return {};
}

// Opens a directory that is really there: not through a symlink, and not what is mounted on it.
Fd open_own_directory(int parent, const std::string &name) {
  open_how how = {};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  Fd directory(static_cast<int>(retry([&] { return ::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how); })));
  if (directory.valid() || errno != ENOSYS) return directory;
  return open_own_directory_by_mount(parent, name);
}

// Removes `name` in `parent` with all below it. `path` is for errors.
// NOLINTNEXTLINE(misc-no-recursion): at most kMaxDepth deep.
void remove_entry(int parent, const std::string &name, const std::string &path, int depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return;
  // Linux says EISDIR for a directory, POSIX says EPERM.
  if (errno != EISDIR && errno != EPERM) fail("unlink", path);
  if (depth > kMaxDepth) fail_with(ELOOP, "unlink", path);
  Fd directory = open_own_directory(parent, name);
  if (!directory.valid()) {
    if (errno == ENOENT) return;
    fail("openat2", path);
  }
  const int fd = directory.get();
  // The listing owns a descriptor of its own.
  Fd listing(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!listing.valid()) fail("fcntl", path);
  for (const std::string &entry : names_in(std::move(listing), path)) {
    std::string below = path;
    below.append("/").append(entry);
    remove_entry(fd, entry, below, depth + 1);
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) fail("rmdir", path);
}

// removeTree(path): fd-relative below the last component's parent, so that no name can be exchanged for a symlink on
// the way.
Napi::Value remove_tree(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  std::string path = args.path(0);
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") args.refuse("path", "must name a directory");
  const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  Fd fd(retry([&] { return ::open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd.valid()) {
    if (missing()) return info.Env().Undefined();
    fail("open", parent);
  }
  remove_entry(fd.get(), name, path, 0);
  return info.Env().Undefined();
}

// unmount(path): one mount after the other, from the top.
Napi::Value unmount(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  while (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
  // Not a mount (any more).
  if (errno != EINVAL && !missing()) fail("umount2", path);
  return info.Env().Undefined();
}

Napi::Value rename_to(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const std::string target = args.path(1, "target");
  if (::rename(path.c_str(), target.c_str()) != 0) fail("rename", path);
  return info.Env().Undefined();
}

Napi::Value change_owner(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  if (::lchown(path.c_str(), args.id(1, "uid"), args.id(2, "gid")) != 0) fail("chown", path);
  return info.Env().Undefined();
}

Napi::Value make_fifo(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  if (::mkfifo(path.c_str(), args.mode(1)) != 0) fail("mkfifo", path);
  return info.Env().Undefined();
}

Napi::Value filesystem_type(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  struct statfs status;
  if (retry([&] { return ::statfs(path.c_str(), &status); }) != 0) {
    if (missing()) return info.Env().Undefined();
    fail("statfs", path);
  }
  // f_type is signed, magic numbers are not.
  return Napi::Number::New(info.Env(), static_cast<uint32_t>(status.f_type));
}

} // namespace

void bind_directories(Napi::Object exports) {
  bind<status>(exports, "status");
  bind<read_link>(exports, "readLink");
  bind<real_path>(exports, "realPath");
  bind<list>(exports, "list");
  bind<make_directory>(exports, "mkdir");
  bind<make_directories>(exports, "mkdirParents");
  bind<remove_directory>(exports, "rmdir");
  bind<unlink_file>(exports, "unlink");
  bind<remove_tree>(exports, "removeTree");
  bind<unmount>(exports, "unmount");
  bind<rename_to>(exports, "rename");
  bind<change_owner>(exports, "chown");
  bind<make_fifo>(exports, "mkfifo");
  bind<filesystem_type>(exports, "filesystemType");
}

} // namespace runt
