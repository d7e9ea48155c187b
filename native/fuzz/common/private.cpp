// allow path in this file: the fuzzer’s own, in a mount namespace of its own
#include "private.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace runt::fuzz {

void private_tmp() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    give_up("unshare");
  if (::mount("fuzz", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=256m,nr_inodes=100k") != 0)
    give_up("mount");
}

void make_directory(const char *path) {
  if (::mkdir(path, 0700) != 0) give_up(path);
}

void write_file(const char *path, std::string_view content) {
  const int fd = ::open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd == -1 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) give_up(path);
  ::close(fd);
}

void cover(const char *path, const char *with) {
  if (::mount(with, path, nullptr, MS_BIND, nullptr) != 0) give_up(path);
}

} // namespace runt::fuzz
