// A descriptor and a mapping that are given back at the end of their scope. For the addon only: init has no libc.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

namespace runt {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd &&other) noexcept : fd_(other.release()) {}
  Fd &operator=(Fd &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    // close(2) is not repeated after EINTR: Linux has freed the number by then.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

class Mapping {
 public:
  Mapping(void *address, size_t size) : address_(address), size_(size) {}
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;
  ~Mapping() {
    if (valid()) ::munmap(address_, size_);
  }

  bool valid() const { return address_ != MAP_FAILED; }
  char *begin() const { return static_cast<char *>(address_); }
  char *end() const { return begin() + size_; }

 private:
  void *address_;
  size_t size_;
};

} // namespace runt
