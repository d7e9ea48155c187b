// Files without a name: init's executable, and the plan.
#include "image.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "failure.h"

// Linux 6.3; the headers of older systems lack them.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

extern "C" {
extern const unsigned char runt_init_image[];
extern const unsigned long runt_init_image_size;
}

namespace runt {

namespace {

constexpr const char *kImageName = "runt-init";

// Kernels before 6.3 do not know `newer_flag` and say EINVAL.
Fd create_memfd(const char *name, unsigned newer_flag) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  long fd = ::syscall(SYS_memfd_create, name, flags | newer_flag);
  if (fd == -1 && errno == EINVAL) fd = ::syscall(SYS_memfd_create, name, flags);
  return Fd(static_cast<int>(fd));
}

// Not F_SEAL_FUTURE_WRITE: F_SEAL_WRITE says more, and no writable mapping exists.
void seal(const Fd &fd, const char *name) {
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
    fail("fcntl", name);
}

void write_image(const Fd &fd) {
  write_all(fd.get(), runt_init_image, runt_init_image_size, kImageName);
  if (::fchmod(fd.get(), 0555) != 0) fail("fchmod", kImageName);
}

Fd reopen_for_reading(const Fd &fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  Fd reader(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!reader.valid()) fail("open", path);
  return reader;
}

// A tmpfs that is mounted nowhere, read-only once the image is in it. Needs CAP_SYS_ADMIN.
Fd image_on_detached_tmpfs() {
  Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.valid()) return {};
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "mode", "0755", 0) != 0) return {};
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  Fd mount(
      static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  if (!mount.valid()) return {};
  {
    Fd writer(::openat(mount.get(), kImageName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0500));
    if (!writer.valid()) fail("openat", kImageName);
    write_image(writer);
  }
  // Before the file is opened for execution, so that no writable way to it ever exists beside it.
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::syscall(SYS_mount_setattr, mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    fail("mount_setattr", "tmpfs");
  }
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
      ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
    fail("fsconfig", "tmpfs");
  }
  Fd image(::openat(mount.get(), kImageName, O_RDONLY | O_CLOEXEC));
  if (!image.valid()) fail("openat", kImageName);
  return image;
}

// For users who may not mount: a file of this one start without a name, of which no writable descriptor is left.
// Whoever opens /proc/PID/exe for writing changes a copy that nobody executes again.
Fd image_in_unnamed_file(int memfd_error) {
  for (const char *directory : {"/dev/shm", "/run", "/tmp", "/var/tmp"}) {
    struct statvfs status;
    // allow path: directories of the host, named above
    if (::statvfs(directory, &status) != 0 || (status.f_flag & (ST_NOEXEC | ST_RDONLY)) != 0) continue;
    // allow path: the same; the file has no name
    Fd writer(::open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0500));
    if (!writer.valid()) continue;
    write_image(writer);
    return reopen_for_reading(writer);
  }
  fail_with(memfd_error, "memfd_create", "runt-init (vm.memfd_noexec forbids it, and no directory allows execution)");
}

} // namespace

void write_all(int fd, const void *data, size_t size, const char *path) {
  const char *at = static_cast<const char *>(data);
  while (size > 0) {
    const ssize_t written = ::write(fd, at, size);
    if (written >= 0) {
      at += written;
      size -= static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd ready = {fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      fail("write", path);
    }
  }
}

Fd open_init_image() {
  Fd image = create_memfd(kImageName, MFD_EXEC);
  if (image.valid()) {
    write_image(image);
    seal(image, kImageName);
    return image;
  }
  // vm.memfd_noexec=2 (sysctl/vm.rst)
  if (errno != EACCES && errno != EPERM) fail("memfd_create", kImageName);
  const int memfd_error = errno;
  image = image_on_detached_tmpfs();
  return image.valid() ? std::move(image) : image_in_unnamed_file(memfd_error);
}

Fd open_plan(const void *data, size_t size) {
  Fd plan = create_memfd("runt-plan", MFD_NOEXEC_SEAL);
  if (!plan.valid()) fail("memfd_create", "runt-plan");
  write_all(plan.get(), data, size, "runt-plan");
  seal(plan, "runt-plan");
  if (::lseek(plan.get(), 0, SEEK_SET) != 0) fail("lseek", "runt-plan");
  return plan;
}

} // namespace runt
