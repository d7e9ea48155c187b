// Facts of the machine and of this process.
#include <linux/capability.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "binding.h"

namespace runt {

namespace {

Napi::Value now(const Napi::CallbackInfo &info) {
  timespec time;
  tm parts;
  if (::clock_gettime(CLOCK_REALTIME, &time) != 0) fail("clock_gettime");
  if (::gmtime_r(&time.tv_sec, &parts) == nullptr) fail("gmtime_r");
  char text[64];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string nanoseconds = std::to_string(1000000000 + time.tv_nsec).substr(1);
  return Napi::String::New(info.Env(), std::string(text, size) + "." + nanoseconds + "Z");
}

// monotonic(): milliseconds since some moment, which no change of the wall clock moves.
Napi::Value monotonic(const Napi::CallbackInfo &info) {
  timespec time;
  if (::clock_gettime(CLOCK_MONOTONIC, &time) != 0) fail("clock_gettime");
  return Napi::Number::New(info.Env(),
                           static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6);
}

// The permitted set of the calling thread: capget(2).
Napi::Value permitted_capabilities(const Napi::CallbackInfo &info) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data = {};
  if (::syscall(SYS_capget, &header, data.data()) < 0) fail("capget");
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(data[1].permitted) << 32 | data[0].permitted);
}

Napi::Value euid(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), ::geteuid()); }

Napi::Value egid(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), ::getegid()); }

// The first user namespace has a number of its own: PROC_USER_INIT_INO of linux/proc_ns.h. Where there is no /proc,
// nothing else of a container can be made either.
Napi::Value in_user_namespace(const Napi::CallbackInfo &info) {
  constexpr ino_t kFirst = 0xEFFFFFFD;
  struct stat status;
  // allow path: of the host’s procfs
  const bool other = ::stat("/proc/self/ns/user", &status) == 0 && status.st_ino != kFirst;
  return Napi::Boolean::New(info.Env(), other);
}

Napi::Value kernel_release(const Napi::CallbackInfo &info) {
  utsname name;
  if (::uname(&name) != 0) fail("uname");
  return Napi::String::New(info.Env(), name.release);
}

Napi::Value random(const Napi::CallbackInfo &info) {
  std::array<unsigned char, 16> bytes = {};
  // So few bytes come whole, or not at all: getrandom(2).
  if (::getrandom(bytes.data(), bytes.size(), 0) < 0) fail("getrandom");
  std::string text;
  for (const unsigned byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return Napi::String::New(info.Env(), text);
}

} // namespace

void bind_system(Napi::Object exports) {
  bind<now>(exports, "now");
  bind<monotonic>(exports, "monotonic");
  bind<permitted_capabilities>(exports, "permittedCapabilities");
  bind<euid>(exports, "euid");
  bind<egid>(exports, "egid");
  bind<in_user_namespace>(exports, "inUserNamespace");
  bind<kernel_release>(exports, "kernelRelease");
  bind<random>(exports, "random");
}

} // namespace runt
