// A message that carries one descriptor beside its text (SCM_RIGHTS, unix(7)).
#pragma once
#include <sys/socket.h>

#include <cstring>

namespace runt {

// For sendmsg(2); the text must outlive it.
class DescriptorMessage {
 public:
  DescriptorMessage(void *text, size_t size, int fd) : part_{text, size} {
    header_.msg_iov = &part_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_;
    header_.msg_controllen = sizeof control_;
    cmsghdr *rights = CMSG_FIRSTHDR(&header_);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  DescriptorMessage(const DescriptorMessage &) = delete;
  DescriptorMessage &operator=(const DescriptorMessage &) = delete;

  const msghdr *header() const { return &header_; }

 private:
  iovec part_;
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
  msghdr header_ = {};
};

} // namespace runt
