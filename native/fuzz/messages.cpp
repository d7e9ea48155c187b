// What init, or who took it over, says to runt: from the fifo `started`, and packets of the socket, with descriptors.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/protocol.h"
#include "common/engine.h"
#include "common/private.h"

void runt::fuzz::bind_functions(Napi::Object exports) { bind_messages(exports); }

namespace {

using runt::fuzz::Engine;

constexpr size_t kMost = 6;

// A packet with so many descriptors.
void send(int socket, std::string_view packet, size_t count) {
  // allow path: of the host
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  iovec part = {const_cast<char *>(packet.data()), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(kMost * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++) std::memcpy(CMSG_DATA(rights) + i * sizeof fd, &fd, sizeof fd);
  }
  if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) runt::fuzz::give_up("sendmsg");
  ::close(fd);
}

int lowest_free() {
  const int fd = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  ::close(fd);
  return fd;
}

// Only a message about a descriptor hands one on, and then it is open.
void look_at(Engine &engine, JSValue message) {
  if (!JS_IsObject(message)) return;
  const std::string type = engine.text_at(message, "type");
  if (type == "descriptor") {
    const int fd = static_cast<int>(engine.number_at(message, "fd"));
    if (::close(fd) != 0) Engine::fault("a descriptor that is not open");
    engine.text_at(message, "name");
  } else if (type == "failed") {
    engine.number_at(message, "errno");
    engine.number_at(message, "step");
  } else if (type != "reached" && type != "forked" && type != "listener" && type != "closed") {
    Engine::fault("type " + type);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Engine engine;
  if (size < 1) return 0;
  const uint8_t how = data[0];
  const int free_before = lowest_free();
  const std::string_view packet(reinterpret_cast<const char *>(data) + 1, size - 1);
  JSValue message;
  if (how == 0 || packet.empty()) {
    message = engine.call("decodeMessage", {engine.bytes(packet)});
    look_at(engine, message);
    engine.free({message});
  }
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) runt::fuzz::give_up("socketpair");
  send(ends[0], packet, how % (kMost + 1));
  ::close(ends[0]);
  message = engine.call("receive", {engine.number(ends[1])});
  look_at(engine, message);
  engine.free({message});
  ::close(ends[1]);
  // Whatever came along is closed again.
  if (lowest_free() != free_before) Engine::fault("a descriptor was left open");
  return 0;
}
