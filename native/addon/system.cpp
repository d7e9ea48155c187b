// Facts of the machine and of this process.
#include <linux/capability.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <ctime>

#include "binding.h"

namespace runt {

namespace {

// RFC 3339. Not by gmtime_r(3), which reads the local time zone for it.
std::string utc(const timespec &time) {
  const int64_t second = time.tv_sec % 86400;
  // Years begin in March, so that a leap day is the last one; they repeat every 400, which are 146,097 days. The first
  // such period that counts began in the year 0, 719,468 days before 1970.
  const int64_t days = time.tv_sec / 86400 + 719468;
  const int64_t day = days % 146097;
  const int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  const int64_t of_year = day - (365 * year + year / 4 - year / 100);
  const int64_t month = (5 * of_year + 2) / 153;
  const int64_t of_month = of_year - (153 * month + 2) / 5 + 1;
  char text[64];
  const int size = std::snprintf(
      text, sizeof text, "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%09ldZ",
      days / 146097 * 400 + year + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9, of_month, second / 3600,
      second / 60 % 60, second % 60, time.tv_nsec);
  return {text, static_cast<size_t>(size)};
}

Napi::Value now(const Napi::CallbackInfo &info) {
  timespec time;
  if (::clock_gettime(CLOCK_REALTIME, &time) != 0) fail("clock_gettime");
  return Napi::String::New(info.Env(), utc(time));
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
  const int result = ::stat("/proc/self/ns/user", &status);
  // A kernel without user namespaces.
  if (result != 0 && errno != ENOENT) fail("stat", "/proc/self/ns/user");
  return Napi::Boolean::New(info.Env(), result == 0 && status.st_ino != kFirst);
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
