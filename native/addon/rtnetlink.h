// Talks with the kernel by rtnetlink(7): a request, and the messages that answer it. What comes is checked like any
// other input.
#pragma once
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "failure.h"
#include "fd.h"

namespace runt {

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

void append_attribute(std::string &message, uint16_t type, const void *data, size_t size);
void append_name(std::string &message, const std::string &name);

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

// rtnetlink's answers are at most this long (NLMSG_GOODSIZE, and dumps of up to 32 KiB).
constexpr size_t kMaxAnswer = 64 << 10;

class Netlink {
 public:
  // A socket that is connected to the kernel.
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}

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
    for (std::string answer(kMaxAnswer, '\0');;) {
      const ssize_t size = retry([&] { return ::recv(socket_.get(), answer.data(), answer.size(), MSG_TRUNC); });
      if (size == -1) fail("recv", "netlink");
      if (size == 0) fail_with(EBADMSG, "recv", "netlink");
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
        if (header.nlmsg_type == NLMSG_DONE) return length < sizeof(int) ? 0 : errno_of(read_as<int>(body));
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
    return errno_of(read_as<nlmsgerr>(body).error);
  }

  static int errno_of(int negative) {
    constexpr int kMost = 4095; // MAX_ERRNO of linux/err.h
    if (negative > 0 || negative < -kMost) fail_with(EBADMSG, "recv", "netlink");
    return -negative;
  }

  Fd socket_;
  uint32_t sequence_ = 0;
  std::string reason_;
};

// A network device.
struct Link {
  int index = 0;
  bool up = false;
  std::string name;
};

// Finds a device by its name, or by its number where the name is empty. False where there is none.
bool find(Netlink &network, int index, const std::string &name, Link &link);

// The addresses of a device that are for keeps, as records: the length of each (32 bits), then the body of the
// RTM_NEWADDR that makes it anew.
std::string kept_addresses(Netlink &network, int index);

// Gives a device the addresses of such records.
void add_addresses(Netlink &network, int index, std::string_view records);

} // namespace runt
