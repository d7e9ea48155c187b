// Answers of rtnetlink(7) about devices and their addresses.
#include <sys/socket.h>

#include "../addon/rtnetlink.h"
#include "common/private.h"

namespace {

// Queues the datagrams that the input is made of, each behind its length (16 bits).
void queue(int socket, std::string_view input) {
  while (input.size() >= sizeof(uint16_t)) {
    const size_t size = runt::read_as<uint16_t>(input.data());
    input.remove_prefix(sizeof(uint16_t));
    const std::string_view datagram = input.substr(0, size);
    if (::send(socket, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
    input.remove_prefix(datagram.size());
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char *>(data) + 1, size - 1);
  int ends[2];
  // An answer that does not come is one that failed (EAGAIN).
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    runt::fuzz::give_up("socketpair");
  const runt::Fd kernel(ends[0]);
  runt::Netlink network{runt::Fd(ends[1])};
  queue(kernel.get(), input);
  try {
    switch (data[0] % 4) {
      case 0: {
        runt::Link link;
        if (runt::find(network, 0, "eth0", link) && link.index == 0) runt::fuzz::give_up("a device without a number");
        break;
      }
      case 1: {
        // What is kept is what can be given.
        const std::string records = runt::kept_addresses(network, 2);
        runt::add_addresses(network, 3, records);
        break;
      }
      case 2:
        network.order(RTM_NEWLINK, 0, "", "eth0");
        break;
      default:
        runt::add_addresses(network, 3, input);
    }
  } catch (const runt::SystemFailure &failure) {
    if (failure.error <= 0 || failure.error > 4095) runt::fuzz::give_up("no errno");
  }
  return 0;
}
