#include "unpack_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>

#include "failure.h"
#include "unpack_root.h"

namespace runt {

namespace {

// What `removeTree` takes away again, with room for the store's own directories.
constexpr size_t kMaxDepth = 200;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kWhiteoutOfRuntimes = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

// They say what a machine thinks of a file, not what is in it; other tools leave them out, too.
bool belongs_to_machine(std::string_view xattr) { return xattr == "security.selinux" || xattr == "system.nfs4_acl"; }

// With them a layer could make the kernel show what another directory holds.
bool belongs_to_overlay(std::string_view xattr) {
  return xattr.starts_with("trusted.overlay.") || xattr.starts_with("user.overlay.");
}

std::string proc_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

struct CloseDirectory {
  void operator()(DIR *directory) const { ::closedir(directory); }
};

// All names of a directory, read before any of them is removed. The descriptor stays the caller's.
std::vector<std::string> names_of(int fd, const std::string &path) {
  Fd copy(retry([&] { return ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!copy.valid()) fail("openat", path);
  std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(copy.get()));
  if (!directory) fail("fdopendir", path);
  copy.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) fail("readdir", path);
  return names;
}

// FNV-1a
uint64_t hash_of(std::string_view path) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char character : path) hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
  return hash;
}

} // namespace

struct LayerTree::Metadata {
  uid_t uid;
  gid_t gid;
  mode_t mode;
  timespec time;
  const Entry &entry;
};

std::string clean_path(std::string_view name, const std::string &entry) {
  std::vector<std::string_view> parts;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) throw Refused{"outside", entry, ""};
      parts.pop_back();
    } else {
      // A whiteout is no file: what it hides may have as long a name as any.
      const size_t most = NAME_MAX + (name.empty() && part.starts_with(kWhiteout) ? kWhiteout.size() : 0);
      if (part.size() > most) throw Refused{"name-length", entry, std::to_string(NAME_MAX)};
      parts.push_back(part);
    }
  }
  if (parts.size() > kMaxDepth) throw Refused{"depth", entry, std::to_string(kMaxDepth)};
  std::string path;
  for (const std::string_view part : parts) {
    if (!path.empty()) path += '/';
    path += part;
  }
  if (path.size() >= PATH_MAX) throw Refused{"path-length", entry, std::to_string(PATH_MAX - 1)};
  return path;
}

LayerTree::LayerTree(Fd root, bool on_others, Rights rights)
    : root_(std::move(root)), on_others_(on_others), rights_(rights) {
  root_path_ = canonical(root_.get());
  if (root_path_ == "/") root_path_.clear();
  // What the mounting of an overlay changes of it counts as little.
  note_times(root_.get(), "");
}

// Fd of `path` below the root; not valid, with errno, where it cannot be opened.
Fd LayerTree::open_inside(const std::string &path, uint64_t flags) const {
  return open_in(root_, path, flags, RESOLVE_IN_ROOT);
}

// The path of a directory in the mount, as the kernel knows it.
std::string LayerTree::canonical(int fd) const {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(proc_path(fd).c_str(), target, sizeof target);
  if (size == -1) fail("readlink", entry_);
  if (static_cast<size_t>(size) >= sizeof target) throw Refused{"path-length", entry_, std::to_string(PATH_MAX - 1)};
  const std::string path(target, static_cast<size_t>(size));
  if (!path.starts_with(root_path_)) throw Refused{"outside", entry_, ""};
  return path == "/" ? "" : path.substr(root_path_.size());
}

// One component after the other, each through the descriptor of what is above it.
Fd LayerTree::make_parents(const std::string &path) {
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    Fd found = open_inside(part, O_PATH | O_DIRECTORY);
    if (!found.valid()) {
      if (errno == ENOTDIR) throw Refused{"parent-type", entry_, part};
      if (errno == ELOOP) throw Refused{"parent-loop", entry_, part};
      if (errno != ENOENT) fail("openat2", entry_);
      const size_t slash = part.rfind('/');
      const std::string above = slash == std::string::npos ? "" : part.substr(0, slash);
      const std::string name = slash == std::string::npos ? part : part.substr(slash + 1);
      Fd parent = open_inside(above, O_PATH | O_DIRECTORY);
      if (!parent.valid()) fail("openat2", entry_);
      // A symlink to nothing is there, too.
      if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) {
        if (errno == EEXIST) throw Refused{"parent-dangling", entry_, part};
        fail("mkdirat", entry_);
      }
      const std::string directory = canonical(parent.get());
      found = open_inside(directory.empty() ? name : directory.substr(1) + "/" + name, O_RDONLY | O_DIRECTORY);
      if (!found.valid()) fail("openat2", entry_);
      if (::fchmod(found.get(), 0755) != 0) fail("fchmod", entry_);
      // No archive tells its time: the same one for everybody.
      keep_time(canonical(found.get()), timespec{});
      beside_.directories++;
    }
    if (end == std::string::npos) return found;
  }
}

LayerTree::Place LayerTree::find(const std::string &path, bool make) {
  const size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (!parent_.valid() || parent_stale_ || above != parent_name_) {
    parent_.reset();
    parent_stale_ = false;
    parent_ = open_inside(above, O_PATH | O_DIRECTORY);
    if (!parent_.valid()) {
      if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) fail("openat2", entry_);
      if (!make) return {-1, "", name};
      parent_ = make_parents(above);
    }
    parent_name_ = above;
    parent_path_ = canonical(parent_.get());
    if (std::count(parent_path_.begin(), parent_path_.end(), '/') >= static_cast<ptrdiff_t>(kMaxDepth)) {
      throw Refused{"depth", entry_, std::to_string(kMaxDepth)};
    }
    if (make) note_times(parent_.get(), parent_path_);
  }
  return {parent_.get(), parent_path_, name};
}

// An entry in a directory changes the directory's time, which is not the entry's to change.
void LayerTree::note_times(int directory, const std::string &path) {
  if (times_.contains(path)) return;
  struct stat status;
  if (::fstatat(directory, "", &status, AT_EMPTY_PATH) != 0) fail("fstatat", entry_);
  keep_time(path, status.st_mtim);
}

void LayerTree::keep_time(const std::string &path, const timespec &time) {
  if (times_.insert_or_assign(path, time).second) beside_.names += path.size();
}

void LayerTree::mark(const Place &place) {
  if (!on_others_) return;
  std::string path = place.path();
  for (;;) {
    if (!made_.insert(hash_of(path)).second) return;
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return;
    path.resize(slash);
  }
}

bool LayerTree::marked(const std::string &path) const { return made_.contains(hash_of(path)); }

// Removes `name` in `parent` with all below it; nothing there is fine.
void LayerTree::remove(int parent, const std::string &name, const std::string &path, int depth) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) {
    parent_stale_ = true;
    return;
  }
  if (errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) fail("unlinkat", entry_);
  if (depth > static_cast<int>(2 * kMaxDepth)) throw Refused{"depth", entry_, std::to_string(kMaxDepth)};
  Fd directory(retry([&] { return ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!directory.valid()) fail("openat", entry_);
  for (const std::string &below : names_of(directory.get(), path)) {
    remove(directory.get(), below, path, depth + 1);
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) fail("unlinkat", entry_);
  parent_stale_ = true;
}

// image-spec layer.md, "Whiteouts": only what lower layers brought is hidden.
void LayerTree::hide_others(int directory, const std::string &path, int depth) {
  for (const std::string &name : names_of(directory, path)) {
    std::string below = path;
    below.append("/").append(name);
    if (!marked(below)) {
      remove(directory, name, below, depth);
      continue;
    }
    Fd child(retry([&] { return ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (child.valid())
      hide_others(child.get(), below, depth + 1);
    else if (errno != ENOTDIR && errno != ELOOP && errno != ENXIO)
      fail("openat", entry_);
  }
}

void LayerTree::white_out(const std::string &path) {
  const std::string last = path.substr(path.rfind('/') + 1);
  const std::string name = last.substr(kWhiteout.size());
  const bool opaque = last == kOpaque;
  if (!opaque && (name.empty() || name == "." || name == ".." || last.starts_with(kWhiteoutOfRuntimes))) {
    throw Refused{"whiteout", entry_, ""};
  }
  if (!on_others_) return;
  const Place place = find(path, false);
  if (place.parent == -1) return;
  const Fd parent(::fcntl(place.parent, F_DUPFD_CLOEXEC, 3));
  if (!parent.valid()) fail("fcntl", entry_);
  note_times(parent.get(), place.directory);
  if (opaque) {
    hide_others(parent.get(), place.directory, 0);
    return;
  }
  const std::string hidden = place.directory + "/" + name;
  if (!marked(hidden)) {
    remove(parent.get(), name, hidden, 0);
    return;
  }
  // What this layer made stays.
  Fd directory(
      retry([&] { return ::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (directory.valid())
    hide_others(directory.get(), hidden, 0);
  else if (errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
    fail("openat", entry_);
}

LayerTree::Metadata LayerTree::metadata_of(const Entry &entry) const {
  if (entry.uid < 0 || entry.gid < 0 || entry.uid >= UINT32_MAX || entry.gid >= UINT32_MAX) {
    throw Refused{"owner", entry_, std::to_string(entry.uid) + ":" + std::to_string(entry.gid)};
  }
  return {static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid), entry.mode,
          timespec{entry.seconds, static_cast<long>(entry.nanoseconds)}, entry};
}

// Without the machine's rights: attributes for which the kernel wants them, and ids of others in those of the image.
bool LayerTree::may_leave_out(std::string_view attribute, int error) const {
  if (rights_ == Rights::kAll) return false;
  if (error == EPERM) return attribute.starts_with("trusted.") || attribute.starts_with("security.");
  return rights_ == Rights::kOneId && error == EINVAL &&
         (attribute == "security.capability" || attribute.starts_with("system.posix_acl_"));
}

void LayerTree::describe_attributes(int fd, const Metadata &metadata, const std::string &path, bool existed) {
  const std::string link = proc_path(fd);
  std::vector<std::string_view> given;
  for (const auto &[name, value] : metadata.entry.xattrs) {
    if (belongs_to_machine(name)) continue;
    if (belongs_to_overlay(name)) throw Refused{"xattr", entry_, name};
    if (::setxattr(link.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
      if (!may_leave_out(name, errno)) fail("setxattr", path + " (" + name + ")");
      attributes_.add(path + " (" + name + ")");
      continue;
    }
    given.emplace_back(name);
  }
  // The entry that its file came with has told of that: few programs repeat it for a link.
  if (metadata.entry.linked) return;
  // There may be thousands.
  std::sort(given.begin(), given.end());
  char names[XATTR_LIST_MAX];
  const ssize_t listed = ::listxattr(link.c_str(), names, sizeof names);
  if (listed == -1 && errno != ENOTSUP) fail("listxattr", path);
  for (const char *at = names; at < names + listed; at += std::strlen(at) + 1) {
    if (belongs_to_machine(at) || std::binary_search(given.begin(), given.end(), at)) continue;
    // What is new has lists of access that its directory handed on, acl(5), and else what the machine gave it.
    if (!existed && !std::string_view(at).starts_with("system.posix_acl_")) continue;
    if (::removexattr(link.c_str(), at) != 0 && errno != ENODATA && !may_leave_out(at, errno))
      fail("removexattr", path);
  }
}

// Owner, then mode (chown(2) takes set-user-ID away), then attributes (and capabilities), then times. `by_path`: the
// descriptor is O_PATH. `existed`: attributes that the entry has not are taken away.
void LayerTree::describe(int fd, bool by_path, const Metadata &metadata, const std::string &path, bool existed) {
  const std::string link = proc_path(fd);
  struct stat status;
  if (::fstatat(fd, "", &status, AT_EMPTY_PATH) != 0) fail("fstatat", path);
  const bool symlink = S_ISLNK(status.st_mode);
  if (rights_ != Rights::kOneId && (status.st_uid != metadata.uid || status.st_gid != metadata.gid) &&
      ::fchownat(fd, "", metadata.uid, metadata.gid, AT_EMPTY_PATH) != 0) {
    fail("fchownat", path);
  }
  if (!symlink && (by_path ? ::chmod(link.c_str(), metadata.mode) : ::fchmod(fd, metadata.mode)) != 0)
    fail("fchmod", path);
  describe_attributes(fd, metadata, path, existed);
  const timespec times[2] = {metadata.time, metadata.time};
  if (S_ISDIR(status.st_mode)) return;
  if (by_path ? ::utimensat(AT_FDCWD, link.c_str(), times, 0) != 0 : ::futimens(fd, times) != 0)
    fail("utimensat", path);
}

void LayerTree::add_root(const Entry &entry) {
  if (entry.type != S_IFDIR) throw Refused{"root", entry_, ""};
  const Metadata metadata = metadata_of(entry);
  Fd root = open_inside("", O_RDONLY | O_DIRECTORY);
  if (!root.valid()) fail("openat2", entry_);
  describe(root.get(), false, metadata, entry_, true);
  keep_time("", metadata.time);
}

void LayerTree::add_directory(const Entry &entry, const Place &place) {
  const Metadata metadata = metadata_of(entry);
  struct stat status;
  bool existed = ::fstatat(place.parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (existed && !S_ISDIR(status.st_mode)) {
    remove(place.parent, place.name, place.path(), 0);
    existed = false;
  }
  if (!existed && ::mkdirat(place.parent, place.name.c_str(), 0700) != 0) fail("mkdirat", entry_);
  Fd directory(retry(
      [&] { return ::openat(place.parent, place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!directory.valid()) fail("openat", entry_);
  describe(directory.get(), false, metadata, entry_, existed);
  keep_time(place.path(), metadata.time);
}

void LayerTree::add_link(const Entry &entry, const Place &place, const std::string &target) {
  const Metadata metadata = metadata_of(entry);
  // The cache of the parent is about to be the target's.
  const Fd parent(::fcntl(place.parent, F_DUPFD_CLOEXEC, 3));
  if (!parent.valid()) fail("fcntl", entry_);
  const std::string cleaned = clean_path(target, entry_);
  if (cleaned.empty()) throw Refused{"link-target", entry_, target};
  const Place source = find(cleaned, false);
  struct stat status;
  if (source.parent == -1 || ::fstatat(source.parent, source.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      S_ISDIR(status.st_mode)) {
    if (source.parent != -1 && missing_.contains(hash_of(source.path()))) {
      remove(parent.get(), place.name, place.path(), 0);
      missing_.insert(hash_of(place.path()));
      devices_.add(entry_);
      return;
    }
    throw Refused{"link-target", entry_, target};
  }
  if (source.directory == place.directory && source.name == place.name) return;
  const Fd origin(::fcntl(source.parent, F_DUPFD_CLOEXEC, 3));
  if (!origin.valid()) fail("fcntl", entry_);
  remove(parent.get(), place.name, place.path(), 0);
  // Without AT_SYMLINK_FOLLOW: a symlink is linked itself, and leads nowhere.
  if (::linkat(origin.get(), source.name.c_str(), parent.get(), place.name.c_str(), 0) != 0) {
    if (errno == ENOENT) throw Refused{"link-target", entry_, target};
    fail("linkat", entry_);
  }
  Fd made(retry([&] { return ::openat(parent.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  if (!made.valid()) fail("openat", entry_);
  describe(made.get(), true, metadata, entry_, false);
}

void LayerTree::add_symlink(const Entry &entry, const Place &place) {
  const Metadata metadata = metadata_of(entry);
  if (entry.symlink.empty()) throw Refused{"symlink", entry_, ""};
  remove(place.parent, place.name, place.path(), 0);
  if (::symlinkat(entry.symlink.c_str(), place.parent, place.name.c_str()) != 0) fail("symlinkat", entry_);
  Fd made(retry([&] { return ::openat(place.parent, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  if (!made.valid()) fail("openat", entry_);
  describe(made.get(), true, metadata, entry_, false);
}

void LayerTree::add_node(const Entry &entry, const Place &place) {
  const Metadata metadata = metadata_of(entry);
  dev_t device = 0;
  if (entry.type != S_IFIFO) {
    device = makedev(entry.device_major, entry.device_minor);
    // Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories": this one is no device.
    if (entry.type == S_IFCHR && device == 0) throw Refused{"whiteout-device", entry_, ""};
  }
  remove(place.parent, place.name, place.path(), 0);
  if (::mknodat(place.parent, place.name.c_str(), entry.type | 0600, device) != 0) {
    // mknod(2): devices are root's of the machine to make. A container without root is given its own.
    if (errno != EPERM || entry.type == S_IFIFO || rights_ == Rights::kAll) fail("mknodat", entry_);
    missing_.insert(hash_of(place.path()));
    devices_.add(entry_);
    return;
  }
  Fd made(retry([&] { return ::openat(place.parent, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC); }));
  if (!made.valid()) fail("openat", entry_);
  describe(made.get(), true, metadata, entry_, false);
}

void LayerTree::start_file(Entry entry, const Place &place) {
  // Refused before anything is made.
  metadata_of(entry);
  remove(place.parent, place.name, place.path(), 0);
  file_.fd.reset(retry([&] {
    return ::openat(place.parent, place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  }));
  if (!file_.fd.valid()) fail("openat", entry_);
  file_.entry = std::move(entry);
}

bool LayerTree::add(Entry entry) {
  entry_ = entry.path;
  if (entry_.empty()) throw Refused{"no-name", "", ""};
  const std::string path = clean_path(entry_, entry_);
  if (path.empty()) {
    add_root(entry);
    return false;
  }
  const size_t slash = path.rfind('/');
  const std::string_view last = std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
  if (std::string_view(path).substr(0, path.size() - last.size()).find("/.wh.") != std::string_view::npos ||
      (last.size() != path.size() && path.starts_with(kWhiteout))) {
    throw Refused{"whiteout", entry_, ""};
  }
  if (last.starts_with(kWhiteout)) {
    white_out(path);
    return false;
  }
  const mode_t type = entry.type;
  if (!entry.linked && type != S_IFREG && type != S_IFDIR && type != S_IFLNK && type != S_IFIFO && type != S_IFCHR &&
      type != S_IFBLK) {
    throw Refused{"type", entry_, ""};
  }
  const Place place = find(path, true);
  if (entry.linked)
    add_link(entry, place, entry.hardlink);
  else if (type == S_IFDIR)
    add_directory(entry, place);
  else if (type == S_IFLNK)
    add_symlink(entry, place);
  else if (type != S_IFREG)
    add_node(entry, place);
  else
    start_file(std::move(entry), place);
  mark(place);
  return file_.fd.valid();
}

void LayerTree::write(const char *data, size_t size, int64_t offset) {
  while (size > 0) {
    const ssize_t written = retry([&] { return ::pwrite(file_.fd.get(), data, size, offset); });
    if (written == -1) fail("pwrite", entry_);
    data += written;
    offset += written;
    size -= static_cast<size_t>(written);
  }
}

void LayerTree::finish_file() {
  // Where it ends with a hole, nothing has said so yet.
  if (::ftruncate(file_.fd.get(), file_.entry.size) != 0) fail("ftruncate", entry_);
  describe(file_.fd.get(), false, metadata_of(file_.entry), entry_, false);
  file_.fd.reset();
}

void LayerTree::finish() {
  for (const auto &[path, time] : times_) {
    entry_ = path;
    Fd directory = open_in(root_, path.empty() ? path : path.substr(1), O_RDONLY | O_DIRECTORY,
                           RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (!directory.valid()) {
      // A later entry took its place.
      if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) continue;
      fail("openat2", path);
    }
    const timespec times[2] = {time, time};
    if (::futimens(directory.get(), times) != 0) fail("futimens", path);
  }
  Fd root = open_inside("", O_RDONLY | O_DIRECTORY);
  if (!root.valid() || ::syncfs(root.get()) != 0) fail("syncfs");
}

} // namespace runt
