// An overlay of directories that are detached mounts: kernel.org/doc/html/latest/filesystems/overlayfs.html.
//
// Linux takes such directories as descriptors (O_PATH since 6.15, FSCONFIG_SET_FD since 6.13). Before, a directory has
// to be mounted in the own mount namespace and to be named; a value of fsconfig(2) has 255 bytes at most and the
// options of mount(2) a page. So there the directories are attached under names of one or two characters to a tmpfs,
// which covers the root of a mount namespace that nobody else is in, and is taken away with them as soon as the overlay
// has them.
#include <linux/capability.h>

#include "steps.h"

namespace runt {
namespace {

constexpr int kDetach = 2; // MNT_DETACH
constexpr size_t kPage = 4096;
constexpr uint64_t kOneDirectory = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
constexpr unsigned kPermissions = 07777;
constexpr const char *kUpper = "upper", *kWork = "work", *kMerged = "merged", *kUpperMount = "up";

// Why it did not work.
struct Failure {
  int error = 0;
  const char *call = "";
  Str subject;
};

Str text(const char *words) { return {words, static_cast<uint32_t>(length_of(words))}; }

// Options of mount(2), at most a page with its NUL.
struct Options {
  char bytes[kPage];
  size_t length = 0;
  bool fits = true;

  void add(const char *from, size_t size) {
    if (length + size >= kPage) fits = false;
    if (!fits) return;
    copy_bytes(bytes + length, from, size);
    bytes[length += size] = 0;
  }
  void add(const char *words) { add(words, length_of(words)); }
};

// The name of a layer among the attached ones: in base 64, without what separates them in an option.
const char *name_of(uint32_t index, char name[8]) {
  constexpr const char *kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  size_t length = 0;
  if (index >= 64 * 64) name[length++] = kDigits[index / (64 * 64) % 64];
  if (index >= 64) name[length++] = kDigits[index / 64 % 64];
  name[length++] = kDigits[index % 64];
  name[length] = 0;
  return name;
}

// Acts on files as another user, with all capabilities that it had. An overlay keeps the credentials of who mounts it,
// and where ids are mapped, root of the host has none by which it could make a file.
bool act_as(Machine &m, uint32_t uid, uint32_t gid) {
  sys::setfsgid(gid);
  sys::setfsuid(uid);
  // What stands now; neither call tells whether it succeeded.
  if (sys::setfsuid(uid) != uid || sys::setfsgid(gid) != gid) return m.fail(EPERM, "setfsuid");
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  int result = sys::capget(&header, data);
  if (result < 0) return m.fail(result, "capget");
  for (auto &half : data) half.effective = half.permitted;
  result = sys::capset(&header, data);
  if (result < 0) return m.fail(result, "capset");
  return rearm_parent_death(m);
}

Fd open_directory(int parent, const char *name) {
  return Fd(sys::openat2(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, kOneDirectory));
}

class Overlay {
 public:
  Overlay(Machine &machine, const OverlayStep &step) : m_(machine), s_(step) {}
  bool run();

 private:
  bool check_layers();
  bool make_upper();
  Fd make_directory(const char *name, unsigned mode);
  Fd by_descriptors(Failure &failure, bool &known);
  Fd by_names(Failure &failure);
  bool attach(int staging, Failure &failure);
  bool attach_as(int mount, int staging, const char *name, Failure &failure);
  void write_options(Options &options);
  Str layer_name(uint32_t index);
  int layer(uint32_t index) const { return m_.get(s_.layers[index]); }
  bool changeable() const { return m_.get(s_.upper) >= 0; }

  Machine &m_;
  const OverlayStep &s_;
  struct statx highest_ = {};
  Fd upper_, work_;
  // Below the layers, where there is but one and no upper: the kernel wants two.
  Fd ground_;
};

Str Overlay::layer_name(uint32_t index) {
  constexpr const char *kWord = "layer ";
  auto *words = static_cast<char *>(m_.allocate(32));
  if (words == nullptr) return text("a layer");
  size_t length = length_of(kWord);
  copy_bytes(words, kWord, length);
  char digits[12];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + index % 10);
  while ((index /= 10) != 0);
  while (count > 0) words[length++] = digits[--count];
  words[length] = 0;
  return {words, static_cast<uint32_t>(length)};
}

bool Overlay::check_layers() {
  if (s_.layers.count == 0) return m_.fail(EINVAL, "overlay", "no layers");
  for (uint32_t i = 0; i < s_.layers.count; i++) {
    const int result = sys::statx(layer(i), "", AT_EMPTY_PATH, &highest_);
    if (result < 0) return m_.fail(result, "statx", layer_name(i));
    if ((highest_.stx_mode & kTypeMask) != kTypeDirectory) return m_.fail(ENOTDIR, "statx", layer_name(i));
  }
  if (changeable() || s_.layers.count > 1) return true;
  const char *call = "";
  ground_ = new_tmpfs(&call);
  return ground_.get() >= 0 || m_.fail(ground_.get(), call, "tmpfs");
}

Fd Overlay::make_directory(const char *name, unsigned mode) {
  const int parent = m_.get(s_.upper);
  const int made = sys::mkdirat(parent, name, mode);
  if (made < 0 && made != -EEXIST) {
    m_.fail(made, "mkdirat", name);
    return {};
  }
  Fd directory = open_directory(parent, name);
  if (directory.get() < 0) m_.fail(directory.get(), "openat2", name);
  if (directory.get() < 0 || made < 0 || !equal(name, kUpper)) return directory;
  // The root directory of the overlay is this one: it is to look like that of the layers. An owner whom the user
  // namespace or the mount does not map stays away.
  int result = sys::fchownat(directory.get(), "", highest_.stx_uid, highest_.stx_gid, AT_EMPTY_PATH);
  Fd readable(sys::openat2(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH));
  if (result == 0 || result == -EINVAL || result == -EOVERFLOW || result == -EPERM)
    result = readable.get() < 0 ? readable.get() : sys::fchmod(readable.get(), highest_.stx_mode & kPermissions);
  if (result != 0) {
    m_.fail(result, "fchmod", name);
    return Fd(result);
  }
  const auto &[seconds, nanoseconds, unused] = highest_.stx_mtime;
  const __kernel_timespec time = {seconds, static_cast<long long>(nanoseconds)};
  result = sys::futimens(readable.get(), {time, time});
  if (result == 0) return directory;
  m_.fail(result, "utimensat", name);
  return Fd(result);
}

bool Overlay::make_upper() {
  if (!changeable()) return true;
  if (s_.owner != 0) {
    struct statx status = {};
    const int result = sys::statx(m_.get(s_.upper), "", AT_EMPTY_PATH, &status);
    if (result < 0) return m_.fail(result, "statx");
    if (!act_as(m_, status.stx_uid, status.stx_gid)) return false;
  }
  upper_ = make_directory(kUpper, 0755);
  if (upper_.get() < 0) return false;
  work_ = make_directory(kWork, 0700);
  return work_.get() >= 0;
}

// `known`: the kernel takes directories as descriptors, so that what fails is no reason to look for another way.
Fd Overlay::by_descriptors(Failure &failure, bool &known) {
  const Str type = text("overlay");
  Fd context(sys::fsopen(type.data, FSOPEN_CLOEXEC));
  if (context.get() < 0) {
    failure = {context.get(), "fsopen", type};
    return context;
  }
  auto failed = [&](int result, const char *call, Str subject) {
    m_.detail_length = 0;
    keep_log(context.get(), m_);
    failure = {result, call, subject};
    return Fd(result);
  };
  auto give = [&](const char *key, int fd) { return sys::fsconfig(context.get(), FSCONFIG_SET_FD, key, nullptr, fd); };
  int result = 0;
  // The highest first.
  for (uint32_t i = s_.layers.count; i-- > 0;) {
    if ((result = give("lowerdir+", layer(i))) < 0) return failed(result, "fsconfig", layer_name(i));
    known = true;
  }
  if (ground_.valid() && (result = give("lowerdir+", ground_.get())) < 0) return failed(result, "fsconfig", type);
  if (changeable()) {
    if ((result = give("upperdir", upper_.get())) < 0) return failed(result, "fsconfig", text(kUpper));
    if ((result = give("workdir", work_.get())) < 0) return failed(result, "fsconfig", text(kWork));
  }
  const char *at = s_.parameters.data;
  for (uint32_t i = 0; i < s_.parameters.count; i++) {
    const Str parameter = text(at);
    if ((result = configure(context.get(), parameter)) < 0) return failed(result, "fsconfig", parameter);
    at += parameter.length + 1;
  }
  result = sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result < 0) return failed(result, "fsconfig", {});
  Fd mount(sys::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  return mount.get() < 0 ? failed(mount.get(), "fsmount", {}) : static_cast<Fd &&>(mount);
}

bool Overlay::attach_as(int mount, int staging, const char *name, Failure &failure) {
  failure.error = sys::mkdirat(staging, name, 0700);
  failure.call = "mkdirat";
  if (failure.error < 0) return false;
  failure.error = sys::move_mount(mount, "", staging, name, MOVE_MOUNT_F_EMPTY_PATH);
  failure.call = "move_mount";
  return failure.error == 0;
}

bool Overlay::attach(int staging, Failure &failure) {
  char name[8];
  for (uint32_t i = 0; i < s_.layers.count; i++)
    if (!attach_as(layer(i), staging, name_of(i, name), failure)) return failure.subject = layer_name(i), false;
  if (ground_.valid() && !attach_as(ground_.get(), staging, name_of(s_.layers.count, name), failure)) return false;
  if (changeable() && !attach_as(m_.get(s_.upper), staging, kUpperMount, failure))
    return failure.subject = text(kUpper), false;
  failure.error = sys::mkdirat(staging, kMerged, 0700);
  failure.call = "mkdirat";
  return failure.error == 0;
}

void Overlay::write_options(Options &options) {
  char name[8];
  options.add("lowerdir=");
  for (uint32_t i = s_.layers.count; i-- > 0;) {
    options.add(name_of(i, name));
    if (i > 0) options.add(":");
  }
  if (ground_.valid()) {
    options.add(":");
    options.add(name_of(s_.layers.count, name));
  }
  if (changeable()) options.add(",upperdir=up/upper,workdir=up/work");
  const char *at = s_.parameters.data;
  for (uint32_t i = 0; i < s_.parameters.count; i++) {
    const Str parameter = text(at);
    // A label has commas, and stands in quotes for them.
    uint32_t value = 0;
    while (value < parameter.length && parameter.data[value] != '=') value++;
    bool quoted = false;
    for (uint32_t c = 0; c < parameter.length; c++) quoted |= parameter.data[c] == ',';
    options.add(",");
    if (quoted && value < parameter.length) {
      options.add(parameter.data, value + 1);
      options.add("\"");
      options.add(parameter.data + value + 1, parameter.length - value - 1);
      options.add("\"");
    } else {
      options.add(parameter.data, parameter.length);
    }
    at += parameter.length + 1;
  }
}

Fd Overlay::by_names(Failure &failure) {
  auto failed = [&](int result, const char *call, Str subject = {}) {
    failure = {result, call, subject};
    return Fd(result);
  };
  Options options;
  write_options(options);
  if (!options.fits) return failed(-E2BIG, "mount", text("overlay"));
  const char *call = "";
  Fd staging = new_tmpfs(&call);
  if (staging.get() < 0) return failed(staging.get(), call, text("tmpfs"));
  Fd before(sys::openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (before.get() < 0) return failed(before.get(), "openat", text("."));
  Fd root(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return failed(root.get(), "openat", text("/"));
  int result = attach_to(staging.get(), root.get());
  if (result < 0) return failed(result, "move_mount", text("tmpfs"));
  if (!attach(staging.get(), failure)) return Fd(failure.error);
  // Names of one character need a directory that they count from.
  if ((result = sys::fchdir(staging.get())) < 0) return failed(result, "fchdir");
  result = sys::mount("overlay", kMerged, "overlay", 0, options.bytes);
  if (result < 0) return failed(result, "mount", text("overlay"));
  Fd mount(sys::open_tree(staging.get(), kMerged, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (mount.get() < 0) return failed(mount.get(), "open_tree", text("overlay"));
  if ((result = sys::umount2(".", kDetach)) < 0) return failed(result, "umount2", text("tmpfs"));
  if ((result = sys::fchdir(before.get())) < 0) return failed(result, "fchdir");
  return mount;
}

bool Overlay::run() {
  if (!check_layers() || !make_upper()) return false;
  Failure failure;
  bool known = false;
  Fd mount(-ENOSYS);
  if (s_.names == 0) mount = by_descriptors(failure, known);
  if (mount.get() < 0) {
    // Linux 6.13 and 6.14 know descriptors, but not of detached mounts: the other way is tried in any case.
    Failure other;
    mount = by_names(other);
    if (!known) failure = other;
    if (!known) m_.detail_length = 0;
  }
  if (mount.get() < 0) return m_.fail(failure.error, failure.call, failure.subject);
  if (s_.owner != 0 && changeable() && !act_as(m_, 0, 0)) return false;
  for (uint32_t i = 0; i < s_.layers.count; i++) m_.drop(s_.layers[i]);
  m_.drop(s_.upper);
  return m_.fill(s_.dst, static_cast<Fd &&>(mount));
}

} // namespace

bool run(const OverlayStep &s, Machine &m) { return Overlay(m, s).run(); }

} // namespace runt
