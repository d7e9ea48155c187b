// Network devices of a namespace by rtnetlink(7): netDevice finds one with its addresses, moveNetDevice takes it to
// another namespace, setUpNetDevice gives it its name and addresses there. A move takes all addresses from a device.
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>

#include <thread>

#include "binding.h"
#include "fd.h"
#include "rtnetlink.h"

namespace runt {

namespace {

constexpr int kMaxIndexes = 1 << 16;

// A socket stays in the network namespace in which it was made. Only a thread of its own goes there, and ends: nobody
// is ever left in the wrong namespace.
Fd socket_in(int network) {
  int fd = -1;
  int error = 0;
  const char *call = "setns";
  std::thread([&] {
    if (::setns(network, CLONE_NEWNET) == 0) {
      call = "socket";
      fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    }
    error = errno;
  }).join();
  if (fd == -1) fail_with(error, call);
  return Fd(fd);
}

Netlink netlink_in(int network) {
  Fd socket = socket_in(network);
  // To the kernel, which lets nobody else answer then: in a namespace that is joined, who has CAP_NET_ADMIN there may
  // send to every socket.
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr *>(&kernel), sizeof kernel) != 0)
    fail("connect", "netlink");
  // Errors come with the kernel's own sentence, and without the request.
  const int on = 1;
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return Netlink(std::move(socket));
}

// A number that no device of the namespace has, the given one if that is free.
int free_index(Netlink &network, int wanted) {
  for (int index = wanted; index < INT32_MAX && index - wanted < kMaxIndexes; index++) {
    Link other;
    if (!find(network, index, {}, other)) return index;
  }
  fail_with(ENOSPC, "netlink", "ifindex");
}

std::string device_name(const Arguments &args, size_t index) {
  std::string name = args.string(index, "name");
  if (name.empty() || name.size() >= IFNAMSIZ) args.refuse("name", "must have 1 to 15 bytes");
  return name;
}

int device_index(const Arguments &args, size_t index) {
  return static_cast<int>(args.integer(index, "index", 1, INT32_MAX));
}

bool is_template(const std::string &name) { return name.find('%') != std::string::npos; }

// netDevice(network, name)
Napi::Value net_device(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "network");
  const std::string name = device_name(args, 1);
  Netlink network = netlink_in(fd);
  Link link;
  if (!find(network, 0, name, link)) fail_with(ENODEV, "netlink", name);
  const std::string addresses = kept_addresses(network, link.index);
  auto result = Napi::Object::New(info.Env());
  result.Set("index", link.index);
  result.Set("up", link.up);
  result.Set("addresses", bytes_of(info.Env(), addresses.data(), addresses.size()));
  return result;
}

// moveNetDevice(from, index, to, name): moves the device whole or not at all, and returns its number there. It keeps
// its name if that is free there, so that nothing can fail once it has moved; `name`, which must be free or a template,
// is what it has otherwise.
Napi::Value move_net_device(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int source = args.fd(0, "from");
  const int index = device_index(args, 1);
  const int target = args.fd(2, "to");
  const std::string name = device_name(args, 3);
  Netlink from = netlink_in(source);
  Netlink to = netlink_in(target);
  Link link;
  if (!find(from, index, {}, link)) fail_with(ENODEV, "netlink");
  Link other;
  if (!is_template(name) && find(to, 0, name, other)) fail_with(EEXIST, "netlink", name);
  const bool taken = find(to, 0, link.name, other);
  for (;;) {
    const int there = free_index(to, index);
    ifinfomsg header = {};
    header.ifi_index = index;
    std::string body;
    append(body, header);
    if (taken) append_name(body, name);
    append_attribute(body, IFLA_NET_NS_FD, &target, sizeof target);
    append_attribute(body, IFLA_NEW_IFINDEX, &there, sizeof there);
    try {
      from.order(RTM_NEWLINK, 0, body, link.name);
      return Napi::Number::New(info.Env(), there);
    } catch (const SystemFailure &failure) {
      // Another device took the number since.
      if (failure.error != EBUSY || !find(to, there, {}, other)) throw;
    }
  }
}

// setUpNetDevice(network, index, name, addresses, up): the name, the addresses of netDevice, and whether it is up.
// Returns the name, which the kernel completes where it is a template.
Napi::Value set_up_net_device(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "network");
  const int index = device_index(args, 1);
  const std::string name = device_name(args, 2);
  const auto addresses = args.bytes(3, "addresses");
  const bool up = args.boolean(4, "up");
  Netlink network = netlink_in(fd);
  Link link;
  if (!find(network, index, {}, link)) fail_with(ENODEV, "netlink", name);
  ifinfomsg header = {};
  header.ifi_index = index;
  if (link.name != name) {
    std::string body;
    append(body, header);
    append_name(body, name);
    network.order(RTM_NEWLINK, 0, body, name);
  }
  add_addresses(network, index, {reinterpret_cast<const char *>(addresses.data), addresses.size});
  if (up) {
    header.ifi_flags = header.ifi_change = IFF_UP;
    std::string body;
    append(body, header);
    network.order(RTM_NEWLINK, 0, body, name);
  }
  find(network, index, {}, link);
  return Napi::String::New(info.Env(), link.name);
}

} // namespace

void bind_netlink(Napi::Object exports) {
  bind<net_device>(exports, "netDevice");
  bind<move_net_device>(exports, "moveNetDevice");
  bind<set_up_net_device>(exports, "setUpNetDevice");
}

} // namespace runt
