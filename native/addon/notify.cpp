// notifySocket(directory): the socket that a container tells its state to.
// notifyHost(address): the one that runt's own service manager listens on.
// relayReady(socket, host, pid, pidfd): from the one to the other, until the container has ended or is ready.
//
// What a container sends is hostile: it is looked at for one line and never handed on.
#include "notify.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "binding.h"
#include "descriptor_message.h"
#include "sockets.h"

namespace runt {

namespace {

constexpr size_t kMaxMessage = 4096;
// More than a socket queues: what a process that outlives the container keeps sending is not waited for.
constexpr int kMaxDrained = 4096;
// How long a service manager that knows no BARRIER=1 is waited for, as in runc.
constexpr int kBarrierMs = 30000;

constexpr std::string_view kReady = "READY=1";

bool says_ready(std::string_view message) {
  while (!message.empty()) {
    const size_t end = message.find('\n');
    if (message.substr(0, end) == kReady) return true;
    if (end == std::string_view::npos) return false;
    message.remove_prefix(end + 1);
  }
  return false;
}

int64_t now_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000} + now.tv_nsec / 1000000;
}

} // namespace

void NotifyRelay::prepare(pollfd *entries) const {
  entries[0] = {container_, POLLIN, 0};
  entries[1] = {-1, 0, 0};
  if (state_ == State::sending) entries[1] = {host_, POLLOUT, 0};
  if (state_ == State::barrier) entries[1] = {barrier_.get(), POLLIN, 0};
}

void NotifyRelay::move(const pollfd *entries) {
  if (entries[1].revents != 0) {
    if (state_ == State::sending) {
      send_next();
    } else if (state_ == State::barrier) {
      // The end of the pipe: the host closed the other side.
      barrier_.reset();
      state_ = State::done;
    }
  }
  if (entries[0].revents != 0) take();
}

void NotifyRelay::drain() {
  for (int count = 0; count < kMaxDrained && take(); count++) {
  }
}

// Takes one message; false if there is none. A container that goes on telling its state after it was ready is not kept
// waiting. Descriptors that come along are not taken: the kernel closes them.
bool NotifyRelay::take() {
  if (container_ < 0) return false;
  char message[kMaxMessage];
  const ssize_t size = retry([&] { return ::recv(container_, message, sizeof message, MSG_DONTWAIT); });
  if (size < 0) {
    if (errno != EAGAIN) container_ = -1;
    return false;
  }
  if (state_ == State::waiting && says_ready({message, static_cast<size_t>(size)})) state_ = State::sending;
  return true;
}

void NotifyRelay::send_next() {
  const std::array<std::string, 2> messages = {"READY=1\n", "MAINPID=" + std::to_string(main_) + "\n"};
  const auto index = static_cast<size_t>(sent_);
  if (index < messages.size()) {
    const std::string &text = messages[index];
    if (retry([&] { return ::send(host_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }) < 0) {
      if (errno == EAGAIN) return;
      error_ = errno;
      state_ = State::done;
    }
    sent_++;
    return;
  }
  barrier_ = send_barrier();
  if (!barrier_.valid() && errno == EAGAIN) return;
  // Without it, nothing is lost but the wait.
  state_ = barrier_.valid() ? State::barrier : State::done;
}

// sd_notify_barrier(3): the host closes the descriptor once it has taken what came before.
Fd NotifyRelay::send_barrier() {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return Fd();
  Fd reading(pipe[0]);
  const Fd writing(pipe[1]);
  char text[] = "BARRIER=1";
  const DescriptorMessage message(text, sizeof text - 1, writing.get());
  if (retry([&] { return ::sendmsg(host_, message.header(), MSG_NOSIGNAL | MSG_DONTWAIT); }) >= 0) return reading;
  const int error = errno;
  reading.reset();
  errno = error;
  return reading;
}

namespace {

// mkdir(2) and bind(2) mind the caller's umask; the container's users are many.
void open_to_all(const Fd &place, mode_t mode, const std::string &path) {
  // chmod(2) takes no O_PATH descriptor, but its magic link.
  if (::chmod(("/proc/self/fd/" + std::to_string(place.get())).c_str(), mode) != 0) fail("chmod", path);
}

// The container sees the directory, and may have been able to write to it: nothing in it is followed.
Napi::Value notify_socket(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string directory = args.path(0);
  const std::string name = "notify.sock";
  const std::string path = directory + "/" + name;
  // allow path: of the state directory
  const Fd dir(retry([&] { return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!dir.valid()) fail("open", directory);
  open_to_all(dir, 0755, directory);
  // One that an interrupted command left.
  if (::unlinkat(dir.get(), name.c_str(), 0) != 0 && errno != ENOENT) fail("unlinkat", path);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) fail("socket", path);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string short_path = "/proc/self/fd/" + std::to_string(dir.get()) + "/" + name;
  std::memcpy(address.sun_path, short_path.data(), short_path.size());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) fail("bind", path);
  const Fd file(::openat(dir.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status;
  if (!file.valid() || ::fstat(file.get(), &status) != 0) fail("openat", path);
  if (!S_ISSOCK(status.st_mode)) fail_with(ENOTSOCK, "openat", path);
  open_to_all(file, 0777, path);
  return Napi::Number::New(info.Env(), socket.release());
}

// sd_notify(3): an absolute path, or a name of the abstract namespace after @.
Napi::Value notify_host(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string name = args.path(0);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) fail("socket", name);
  if (name[0] != '@') {
    connect_to(socket, name);
  } else {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (name.size() > sizeof address.sun_path) fail_with(ENAMETOOLONG, "connect", name);
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), size) != 0) fail("connect", name);
  }
  return Napi::Number::New(info.Env(), socket.release());
}

// The container's end is only waited for until it is ready: the host may still have to be told when it is gone.
Napi::Value relay_ready(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int socket = args.fd(0, "socket");
  const int host = args.fd(1, "host");
  const auto pid = static_cast<pid_t>(args.integer(2, "pid", 1, INT32_MAX));
  const int pidfd = args.fd(3, "pidfd");
  using State = NotifyRelay::State;
  NotifyRelay relay(socket, host, pid);
  int64_t deadline = 0;
  while (relay.state() != State::done) {
    int timeout = -1;
    if (relay.state() == State::barrier) {
      if (deadline == 0) deadline = now_ms() + kBarrierMs;
      const int64_t left = deadline - now_ms();
      if (left <= 0) break;
      timeout = static_cast<int>(left);
    }
    pollfd entries[1 + NotifyRelay::kEntries] = {{relay.state() == State::waiting ? pidfd : -1, POLLIN, 0}};
    relay.prepare(entries + 1);
    if (::poll(entries, 1 + NotifyRelay::kEntries, timeout) == -1) {
      if (errno == EINTR) continue;
      fail("poll");
    }
    for (const pollfd &entry : entries) {
      if ((entry.revents & POLLNVAL) != 0) fail_with(EBADF, "poll");
    }
    relay.move(entries + 1);
    if (entries[0].revents != 0 && relay.state() == State::waiting) {
      relay.drain();
      if (relay.state() == State::waiting) break;
    }
  }
  if (relay.error() != 0) fail_with(relay.error(), "send");
  return info.Env().Undefined();
}

} // namespace

void bind_notify(Napi::Object exports) {
  bind<notify_socket>(exports, "notifySocket");
  bind<notify_host>(exports, "notifyHost");
  bind<relay_ready>(exports, "relayReady");
}

} // namespace runt
