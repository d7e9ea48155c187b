// spawn(plan, inputs, cloneFlags, cgroup, preserveFds, cpus, output): starts init with a plan, as
// native/common/protocol.h describes.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>

#include "../common/protocol.h"
#include "../common/wire.h"
#include "binding.h"
#include "child.h"
#include "image.h"

namespace runt {

namespace {

constexpr uint64_t kNamespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                 CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWTIME;
constexpr int64_t kMaxPreserved = 65536;
// What init takes on its command line.
constexpr size_t kMaxInputs = 4096;

// --preserve-fds and LISTEN_FDS promise that 3 … 2 + preserve are the caller's. Where one of these was not open, the
// engine or runt itself took the number, and the container would inherit a descriptor of the host (compare
// CVE-2024-21626). New numbers are the lowest free ones: if all of runt's own lie above, the whole range is open; and
// both engines open an epoll descriptor before anything else, so that it fills the first gap.
void check_preserved(unsigned preserve, const std::vector<int> &own) {
  const int first_own = 3 + static_cast<int>(preserve);
  for (int fd : own) {
    if (fd >= 0 && fd < first_own) fail_with(EBADF, "fcntl", "descriptor " + std::to_string(fd) + " to be preserved");
  }
  for (int fd = 3; fd < first_own; fd++) {
    const std::string name = "descriptor " + std::to_string(fd) + " to be preserved";
    char target[32] = {};
    if (::fcntl(fd, F_GETFD) == -1) fail("fcntl", name);
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), target, sizeof target - 1) > 0 && std::string(target) == "anon_inode:[eventpoll]") {
      fail_with(EBADF, "fcntl", name);
    }
  }
}

Napi::Value spawn(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto inputs = args.fds(1, "inputs");
  const auto clone_flags = static_cast<uint64_t>(args.integer(2, "cloneFlags", 0, UINT32_MAX));
  const int cgroup = args.optional_fd(3, "cgroup");
  const auto preserve = static_cast<unsigned>(args.integer(4, "preserveFds", 0, kMaxPreserved));
  const auto cpus = args.fds(5, "cpus");
  const int output = args.optional_fd(6, "output");
  // After the lists: reading those may run JavaScript, which may take the bytes away.
  const auto plan = args.bytes(0, "plan");
  if (plan.size < sizeof(PlanHeader) || plan.size > kMaxPlan) args.refuse("plan", "is too small or too large");
  if (inputs.size() > kMaxInputs) args.refuse("inputs", "is too long");
  if ((clone_flags & ~kNamespaces) != 0) args.refuse("cloneFlags", "must hold CLONE_NEW* bits only");

  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) fail("socketpair");
  Fd socket(pair[0]);
  Fd init_socket(pair[1]);
  const Fd plan_file = open_plan(plan.data, plan.size);
  const Fd image = open_init_image();

  ChildProgram program;
  program.executable = image.get();
  program.preserve = preserve;
  program.clone_flags = clone_flags;
  program.cgroup = cgroup;
  program.cpus = cpus;
  program.streams[1] = output;
  program.keep = {init_socket.get(), plan_file.get()};
  program.keep.insert(program.keep.end(), inputs.begin(), inputs.end());
  program.args = {"runt-init"};
  for (int fd : program.keep) program.args.push_back(std::to_string(fd));
  std::vector<int> own = program.keep;
  own.insert(own.end(), {socket.get(), image.get(), cgroup});
  if (preserve > 0) check_preserved(preserve, own);

  StartedChild child = start_child(program);
  auto result = Napi::Object::New(info.Env());
  result.Set("pid", child.pid);
  result.Set("pidfd", child.pidfd.get());
  result.Set("socket", socket.get());
  child.pidfd.release();
  socket.release();
  return result;
}

} // namespace

void bind_spawn(Napi::Object exports) { bind<spawn>(exports, "spawn"); }

} // namespace runt
