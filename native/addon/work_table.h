// Work that JavaScript goes on with, by a number: one that is wrong, or closed, is EBADF and nothing worse.
#pragma once
#include <cstdint>
#include <map>
#include <memory>

#include "binding.h"

namespace runt {

template <class Work>
class WorkTable {
 public:
  // Of the calling thread, which is an environment's own.
  static WorkTable &own() {
    thread_local WorkTable table;
    return table;
  }

  int64_t add(std::unique_ptr<Work> work) {
    open_.emplace(++last_, std::move(work));
    return last_;
  }

  Work &at(const Arguments &args) {
    const auto found = open_.find(number(args));
    if (found == open_.end()) fail_with(EBADF, "work");
    return *found->second;
  }

  void close(const Arguments &args) { open_.erase(number(args)); }

 private:
  static int64_t number(const Arguments &args) { return args.integer(0, "work", 0, (int64_t{1} << 53) - 1); }

  std::map<int64_t, std::unique_ptr<Work>> open_;
  int64_t last_ = 0;
};

} // namespace runt
