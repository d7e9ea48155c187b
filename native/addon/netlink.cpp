// Network devices of a namespace by rtnetlink(7): netDevice finds one with its addresses, moveNetDevice takes it to
// another namespace, setUpNetDevice gives it its name and addresses there. A move takes all addresses from a device.
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <thread>

#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

// rtnetlink's answers are at most this long (NLMSG_GOODSIZE, and dumps of up to 32 KiB).
constexpr size_t kAnswerSize = 64 << 10;
constexpr int kMaxIndexes = 1 << 16;
// Of an address, what its owner has chosen; the other flags are the kernel's.
constexpr uint32_t kKeptFlags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

template <class T>
T read_as(const char *data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

template <class T>
void append(std::string &message, const T &value) {
  message.append(reinterpret_cast<const char *>(&value), sizeof value);
}

void append_attribute(std::string &message, uint16_t type, const void *data, size_t size) {
  append(message, rtattr{static_cast<uint16_t>(RTA_LENGTH(size)), type});
  message.append(static_cast<const char *>(data), size);
  message.append(RTA_ALIGN(size) - size, '\0');
}

void append_name(std::string &message, const std::string &name) {
  append_attribute(message, IFLA_IFNAME, name.c_str(), name.size() + 1);
}

// Calls `use(type, data, size)` for every attribute.
template <class Use>
void each_attribute(const char *data, size_t size, Use &&use) {
  while (size >= sizeof(rtattr)) {
    const auto header = read_as<rtattr>(data);
    if (header.rta_len < sizeof header || header.rta_len > size) return;
    use(static_cast<uint16_t>(header.rta_type & NLA_TYPE_MASK), data + RTA_LENGTH(0), header.rta_len - RTA_LENGTH(0));
    const size_t step = std::min<size_t>(RTA_ALIGN(header.rta_len), size);
    data += step;
    size -= step;
  }
}

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

class Netlink {
 public:
  explicit Netlink(int network) : socket_(socket_in(network)) {
    // To the kernel, which lets nobody else answer then: in a namespace that is joined, who has CAP_NET_ADMIN there may
    // send to every socket.
    sockaddr_nl kernel = {};
    kernel.nl_family = AF_NETLINK;
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr *>(&kernel), sizeof kernel) != 0)
      fail("connect", "netlink");
    // Errors come with the kernel's own sentence, and without the request.
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    ::setsockopt(socket_.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  }

  // Sends a request and hands every message of the answer to `use(type, data, size)`. Returns the errno of the answer
  // and keeps its sentence.
  template <class Use>
  int ask(uint16_t type, uint16_t flags, const std::string &body, Use &&use) {
    nlmsghdr header = {};
    header.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_seq = ++sequence_;
    std::string message;
    append(message, header);
    message += body;
    reason_.clear();
    if (retry([&] { return ::send(socket_.get(), message.data(), message.size(), 0); }) == -1) fail("send", "netlink");
    const bool one = (flags & (NLM_F_ACK | NLM_F_DUMP)) == 0;
    for (std::string answer(kAnswerSize, '\0');;) {
      const ssize_t size = retry([&] { return ::recv(socket_.get(), answer.data(), answer.size(), MSG_TRUNC); });
      if (size == -1) fail("recv", "netlink");
      if (static_cast<size_t>(size) > answer.size()) fail_with(EMSGSIZE, "recv", "netlink");
      const int result = read_answer(answer.data(), static_cast<size_t>(size), one, use);
      if (result != kMore) return result;
    }
  }

  int ask(uint16_t type, uint16_t flags, const std::string &body) {
    return ask(type, static_cast<uint16_t>(flags | NLM_F_ACK), body, [](uint16_t, const char *, size_t) {});
  }

  // Asks for something to be done, which `what` names in an error.
  void order(uint16_t type, uint16_t flags, const std::string &body, const std::string &what) {
    const int error = ask(type, flags, body);
    if (error != 0) fail_with(error, "netlink", reason_.empty() ? what : what + " (" + reason_ + ")");
  }

 private:
  static constexpr int kMore = -1;

  template <class Use>
  int read_answer(const char *data, size_t size, bool one, Use &&use) {
    while (size >= sizeof(nlmsghdr)) {
      const auto header = read_as<nlmsghdr>(data);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) fail_with(EBADMSG, "recv", "netlink");
      const char *body = data + NLMSG_HDRLEN;
      const size_t length = header.nlmsg_len - NLMSG_HDRLEN;
      if (header.nlmsg_seq == sequence_) {
        // What was listed changed meanwhile.
        if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return EINTR;
        if (header.nlmsg_type == NLMSG_DONE) return 0;
        if (header.nlmsg_type == NLMSG_ERROR) return error_of(body, length);
        use(header.nlmsg_type, body, length);
        if (one) return 0;
      }
      const size_t step = std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), size);
      data += step;
      size -= step;
    }
    return kMore;
  }

  int error_of(const char *body, size_t size) {
    if (size < sizeof(nlmsgerr)) fail_with(EBADMSG, "recv", "netlink");
    each_attribute(body + sizeof(nlmsgerr), size - sizeof(nlmsgerr),
                   [&](uint16_t type, const char *data, size_t length) {
                     if (type == NLMSGERR_ATTR_MSG) reason_.assign(data, strnlen(data, length));
                   });
    return -read_as<nlmsgerr>(body).error;
  }

  Fd socket_;
  uint32_t sequence_ = 0;
  std::string reason_;
};

struct Link {
  int index = 0;
  bool up = false;
  std::string name;
};

// Finds a device by its name, or by its number where the name is empty. False where there is none.
bool find(Netlink &network, int index, const std::string &name, Link &link) {
  ifinfomsg header = {};
  header.ifi_index = index;
  std::string body;
  append(body, header);
  if (!name.empty()) append_name(body, name);
  const int error = network.ask(RTM_GETLINK, 0, body, [&](uint16_t type, const char *data, size_t size) {
    if (type != RTM_NEWLINK || size < sizeof(ifinfomsg)) return;
    const auto found = read_as<ifinfomsg>(data);
    link.index = found.ifi_index;
    link.up = (found.ifi_flags & IFF_UP) != 0;
    each_attribute(data + sizeof found, size - sizeof found, [&](uint16_t kind, const char *value, size_t length) {
      if (kind == IFLA_IFNAME) link.name.assign(value, strnlen(value, length));
    });
  });
  if (error == ENODEV) return false;
  if (error != 0 || link.index == 0) fail_with(error == 0 ? EBADMSG : error, "netlink", name);
  return true;
}

// One address as a record: its length (32 bits), then the body of the RTM_NEWADDR that makes it anew. Empty for one
// that is not for keeps: one that expires, or is of the device or of the link alone (config-linux.md, "Network
// Devices").
std::string kept_address(const char *data, size_t size, int index) {
  if (size < sizeof(ifaddrmsg)) return {};
  auto header = read_as<ifaddrmsg>(data);
  if (static_cast<int>(header.ifa_index) != index || header.ifa_scope != RT_SCOPE_UNIVERSE) return {};
  uint32_t flags = header.ifa_flags;
  std::string attributes;
  each_attribute(data + sizeof header, size - sizeof header, [&](uint16_t type, const char *value, size_t length) {
    if (type == IFA_FLAGS && length == sizeof flags) flags = read_as<uint32_t>(value);
    const bool copied = type == IFA_ADDRESS || type == IFA_LOCAL || type == IFA_BROADCAST || type == IFA_CACHEINFO ||
                        type == IFA_RT_PRIORITY;
    if (copied) append_attribute(attributes, type, value, length);
  });
  if ((flags & IFA_F_PERMANENT) == 0) return {};
  flags &= kKeptFlags;
  header.ifa_flags = static_cast<uint8_t>(flags);
  append_attribute(attributes, IFA_FLAGS, &flags, sizeof flags);
  std::string record;
  append(record, static_cast<uint32_t>(sizeof header + attributes.size()));
  append(record, header);
  return record + attributes;
}

std::string kept_addresses(Netlink &network, int index) {
  std::string body;
  append(body, ifaddrmsg{});
  for (;;) {
    std::string records;
    const int error = network.ask(RTM_GETADDR, NLM_F_DUMP, body, [&](uint16_t type, const char *data, size_t size) {
      if (type == RTM_NEWADDR) records += kept_address(data, size, index);
    });
    if (error == 0) return records;
    if (error != EINTR) fail_with(error, "netlink", "RTM_GETADDR");
  }
}

// `10.0.0.1/24`, for an error.
std::string address_text(const std::string &body) {
  const auto header = read_as<ifaddrmsg>(body.data());
  std::array<char, INET6_ADDRSTRLEN> text = {};
  each_attribute(body.data() + sizeof header, body.size() - sizeof header,
                 [&](uint16_t type, const char *value, size_t size) {
                   const bool whole = size == (header.ifa_family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr));
                   if (whole && (type == IFA_LOCAL || (type == IFA_ADDRESS && text[0] == '\0')))
                     ::inet_ntop(header.ifa_family, value, text.data(), text.size());
                 });
  return std::string(text.data()) + "/" + std::to_string(header.ifa_prefixlen);
}

void add_addresses(Netlink &network, int index, const Arguments::Bytes &records) {
  const auto *data = reinterpret_cast<const char *>(records.data);
  for (size_t at = 0; at + sizeof(uint32_t) <= records.size;) {
    const size_t size = read_as<uint32_t>(data + at);
    at += sizeof(uint32_t);
    if (size < sizeof(ifaddrmsg) || size > records.size - at) fail_with(EBADMSG, "netlink", "addresses");
    std::string body(data + at, size);
    auto header = read_as<ifaddrmsg>(body.data());
    header.ifa_index = static_cast<uint32_t>(index);
    std::memcpy(body.data(), &header, sizeof header);
    network.order(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, address_text(body));
    at += size;
  }
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
  Netlink network(fd);
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
  Netlink from(source);
  Netlink to(target);
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
  Netlink network(fd);
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
  add_addresses(network, index, addresses);
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
