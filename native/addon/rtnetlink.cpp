#include "rtnetlink.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>

namespace runt {

namespace {

// Of an address, what its owner has chosen; the other flags are the kernel's.
constexpr uint32_t kKeptFlags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

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

} // namespace

void append_attribute(std::string &message, uint16_t type, const void *data, size_t size) {
  append(message, rtattr{static_cast<uint16_t>(RTA_LENGTH(size)), type});
  message.append(static_cast<const char *>(data), size);
  message.append(RTA_ALIGN(size) - size, '\0');
}

void append_name(std::string &message, const std::string &name) {
  append_attribute(message, IFLA_IFNAME, name.c_str(), name.size() + 1);
}

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

void add_addresses(Netlink &network, int index, std::string_view records) {
  while (records.size() >= sizeof(uint32_t)) {
    const size_t size = read_as<uint32_t>(records.data());
    records.remove_prefix(sizeof(uint32_t));
    if (size < sizeof(ifaddrmsg) || size > records.size()) fail_with(EBADMSG, "netlink", "addresses");
    std::string body(records.substr(0, size));
    auto header = read_as<ifaddrmsg>(body.data());
    header.ifa_index = static_cast<uint32_t>(index);
    std::memcpy(body.data(), &header, sizeof header);
    network.order(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body, address_text(body));
    records.remove_prefix(size);
  }
}

} // namespace runt
