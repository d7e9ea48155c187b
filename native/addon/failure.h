// How native code fails: facts are thrown as a SystemFailure, and binding.h turns them into what JavaScript catches.
#pragma once
#include <cerrno>
#include <string>

namespace runt {

// A system call failed. `path` is what the call was about; empty: nothing worth telling.
struct SystemFailure {
  int error;
  const char *syscall;
  std::string path;
};

// Throws what errno says.
[[noreturn]] inline void fail(const char *syscall, std::string path = {}) {
  throw SystemFailure{errno, syscall, std::move(path)};
}

[[noreturn]] inline void fail_with(int error, const char *syscall, std::string path = {}) {
  throw SystemFailure{error, syscall, std::move(path)};
}

// Repeats a call that a signal interrupted.
template <class Call>
auto retry(Call &&call) -> decltype(call()) {
  for (;;) {
    auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

} // namespace runt
