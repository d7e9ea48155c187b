// What a container says to the socket of sd_notify(3): its service manager hears that it is ready, and nothing else.
#include "../addon/notify.h"

#include <sys/socket.h>

#include <string>
#include <vector>

#include "common/engine.h"
#include "common/private.h"

void runt::fuzz::bind_functions(Napi::Object exports) { bind_notify(exports); }

namespace {

constexpr pid_t kMain = 42;
constexpr size_t kLongest = 4096;

bool is_ready(std::string_view datagram) {
  const std::string lines = "\n" + std::string(datagram.substr(0, kLongest)) + "\n";
  return lines.find("\nREADY=1\n") != std::string::npos;
}

// Each datagram stands behind its length (16 bits).
std::vector<std::string_view> datagrams(std::string_view input) {
  std::vector<std::string_view> list;
  while (input.size() >= 2) {
    const size_t size = static_cast<unsigned char>(input[0]) | static_cast<size_t>(input[1] & 0x3f) << 8;
    input.remove_prefix(2);
    list.push_back(input.substr(0, size));
    input.remove_prefix(list.back().size());
  }
  return list;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int container[2], host[2];
  if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, container) != 0 ||
      ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, host) != 0)
    runt::fuzz::give_up("socketpair");
  const runt::Fd ends[] = {runt::Fd(container[0]), runt::Fd(container[1]), runt::Fd(host[0]), runt::Fd(host[1])};
  bool ready = false;
  for (const std::string_view datagram : datagrams({reinterpret_cast<const char *>(data), size}))
    if (::send(container[0], datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0) ready |= is_ready(datagram);
  runt::NotifyRelay relay(container[1], host[1], kMain);
  relay.drain();
  if (ready != (relay.state() == runt::NotifyRelay::State::sending)) runt::fuzz::give_up("READY=1 misread");
  std::string said;
  for (int round = 0; round < 4 && relay.state() != runt::NotifyRelay::State::waiting; round++) {
    pollfd entries[runt::NotifyRelay::kEntries];
    relay.prepare(entries);
    for (pollfd &entry : entries) entry.revents = 0;
    if (relay.state() == runt::NotifyRelay::State::sending) entries[1].revents = POLLOUT;
    relay.move(entries);
    char text[kLongest];
    for (ssize_t got; (got = ::recv(host[0], text, sizeof text, 0)) > 0;) said.append(text, static_cast<size_t>(got));
  }
  if (said != (ready ? "READY=1\nMAINPID=42\nBARRIER=1" : "")) runt::fuzz::give_up("the host heard something else");
  return 0;
}
