// runt.node: registers every family of bindings. Loaded by src/host/addon.ts, which declares what is registered here.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding.h"
#include "place.h"

namespace {

using runt::SystemFailure;

// Descriptors that runt opens must never take the place of a closed standard stream: the container would inherit them.
void open_standard_streams() {
  for (int fd = 0; fd <= 2; fd++) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number: all below are open.
    // allow path: the host’s, before anything of a container is known
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) == -1) runt::fail("open", "/dev/null");
  }
}

// Root does not run with native code that anybody may change. This finds a careless installation; it cannot undo an
// attack that has already taken place.
void refuse_writable_by_others() {
  Dl_info self{"/proc/self/exe", nullptr, nullptr, nullptr};
  struct stat status;
  if (::geteuid() != 0) return;
  if (!runt::in_executable() && ::dladdr(reinterpret_cast<void *>(&refuse_writable_by_others), &self) == 0) return;
  // allow path: of this code itself
  if (::stat(self.dli_fname, &status) == 0 && (status.st_mode & S_IWOTH) != 0) {
    throw SystemFailure{EPERM, "stat", std::string(self.dli_fname) + " (writable by every user)"};
  }
}

Napi::Object register_all(Napi::Env env, Napi::Object exports) {
  try {
    refuse_writable_by_others();
    open_standard_streams();
  } catch (const SystemFailure &failure) {
    runt::throw_to_javascript(env, failure);
  }
  runt::bind_cgroups(exports);
  runt::bind_changes(exports);
  runt::bind_devices(exports);
  runt::bind_digest(exports);
  runt::bind_directories(exports);
  runt::bind_export(exports);
  runt::bind_files(exports);
  runt::bind_foreground(exports);
  runt::bind_hooks(exports);
  runt::bind_locks(exports);
  runt::bind_messages(exports);
  runt::bind_netlink(exports);
  runt::bind_notify(exports);
  runt::bind_process(exports);
  runt::bind_removal(exports);
  runt::bind_seccomp(exports);
  runt::bind_sockets(exports);
  runt::bind_spawn(exports);
  runt::bind_system(exports);
  runt::bind_systemd(exports);
  runt::bind_terminal(exports);
  runt::bind_unpack(exports);
  runt::bind_watch(exports);
  return exports;
}

} // namespace

NODE_API_MODULE(runt, register_all)
