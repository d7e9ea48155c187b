// watchFiles(paths): a descriptor that can be read when one of the files was modified, or in a directory one was
// replaced. catchSignals(signals): from now on these wait for waitFor; none gives them their former meaning back.
// waitFor(fds, timeoutMs): sleeps until there is something to do.
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "binding.h"
#include "fd.h"
#include "signals.h"

namespace runt {

namespace {

std::unique_ptr<SignalCatcher> caught_signals;

// The files of cgroupfs tell of changes that the kernel makes as of writes (cgroup-v2.rst, "memory.events").
Napi::Value watch_files(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::vector<std::string> paths = args.strings(0, "paths");
  Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!watch.valid()) fail("inotify_init1");
  for (const std::string &path : paths) {
    if (::inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY | IN_MOVED_TO | IN_DELETE_SELF) == -1)
      fail("inotify_add_watch", path);
  }
  return Napi::Number::New(info.Env(), watch.release());
}

Napi::Value catch_signals(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::vector<int> signals = args.fds(0, "signals");
  caught_signals.reset();
  if (!signals.empty()) caught_signals = std::make_unique<SignalCatcher>(signals);
  return info.Env().Undefined();
}

// The result: which descriptors can be read, one signal of those that came (0: none), and whether standard output has
// no reader any more, which poll(2) tells without being asked.
Napi::Value wait_for(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::vector<int> fds = args.fds(0, "fds");
  const auto timeout = static_cast<int>(args.integer(1, "timeoutMs", -1, INT32_MAX));
  std::vector<pollfd> entries = {{STDOUT_FILENO, 0, 0}, {caught_signals ? caught_signals->fd() : -1, POLLIN, 0}};
  for (const int fd : fds) entries.push_back({fd, POLLIN, 0});
  // Broken off by a signal that is not caught here, it just ends early.
  if (::poll(entries.data(), entries.size(), timeout) == -1 && errno != EINTR) fail("poll");
  auto ready = Napi::Array::New(info.Env(), fds.size());
  for (size_t i = 0; i < fds.size(); i++) {
    if ((entries[i + 2].revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    ready.Set(static_cast<uint32_t>(i), Napi::Boolean::New(info.Env(), entries[i + 2].revents != 0));
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("ready", ready);
  result.Set("signal", caught_signals ? caught_signals->next() : 0);
  result.Set("unread", entries[0].revents != 0);
  return result;
}

} // namespace

void bind_watch(Napi::Object exports) {
  bind<watch_files>(exports, "watchFiles");
  bind<catch_signals>(exports, "catchSignals");
  bind<wait_for>(exports, "waitFor");
}

} // namespace runt
