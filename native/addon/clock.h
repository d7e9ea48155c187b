// Time limits of waits.
#pragma once
#include <algorithm>
#include <climits>
#include <cstdint>
#include <ctime>

namespace runt {

inline int64_t monotonic_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// The end of a wait that signals may break off. Below 0: there is none.
class Deadline {
 public:
  explicit Deadline(int64_t timeout_ms) : end_(timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms) {}

  // What poll(2) takes.
  int left() const {
    if (end_ < 0) return -1;
    return static_cast<int>(std::clamp<int64_t>(end_ - monotonic_ms(), 0, INT_MAX));
  }

 private:
  int64_t end_;
};

} // namespace runt
