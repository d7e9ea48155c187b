// sendDescriptor(path, fd, data): hands a descriptor to whoever listens on a socket.
#include "sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "binding.h"
#include "descriptor_message.h"

namespace runt {

void connect_to(const Fd &socket, const std::string &path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  Fd place;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    // unix(7): 107 bytes at most. The magic link of an O_PATH descriptor leads to the same socket.
    // allow path: of a socket of the host, which the caller names
    place.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place.valid()) fail("open", path);
    name = "/proc/self/fd/" + std::to_string(place.get());
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (retry([&] { return ::connect(socket.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address); }) !=
      0) {
    fail("connect", path);
  }
}

namespace {

constexpr size_t kMaxData = 16 << 20;

Napi::Value send_descriptor(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const int fd = args.fd(1, "fd");
  std::string data = args.text(2, "data");
  // A stream carries a descriptor beside at least one byte.
  if (data.empty() || data.size() > kMaxData) args.refuse("data", "must have 1 byte to 16 MiB");

  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) fail("socket", path);
  connect_to(socket, path);
  const DescriptorMessage message(data.data(), data.size(), fd);
  ssize_t sent = retry([&] { return ::sendmsg(socket.get(), message.header(), MSG_NOSIGNAL); });
  if (sent == -1) fail("sendmsg", path);
  // What a socket cannot take at once follows, without the descriptor.
  for (auto at = static_cast<size_t>(sent); at < data.size(); at += static_cast<size_t>(sent)) {
    sent = retry([&] { return ::send(socket.get(), data.data() + at, data.size() - at, MSG_NOSIGNAL); });
    if (sent == -1) fail("send", path);
  }
  return info.Env().Undefined();
}

} // namespace

void bind_sockets(Napi::Object exports) { bind<send_descriptor>(exports, "sendDescriptor"); }

} // namespace runt
