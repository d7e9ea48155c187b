// Facts of the machine and of this process.
#include <sys/utsname.h>
#include <unistd.h>

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

Napi::Value euid(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), ::geteuid()); }

Napi::Value egid(const Napi::CallbackInfo &info) { return Napi::Number::New(info.Env(), ::getegid()); }

Napi::Value kernel_release(const Napi::CallbackInfo &info) {
  utsname name;
  if (::uname(&name) != 0) fail("uname");
  return Napi::String::New(info.Env(), name.release);
}

Napi::Value sleep(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto ms = args.integer(0, "ms", 0, INT32_MAX);
  timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (::nanosleep(&left, &left) != 0) {
    if (errno != EINTR) fail("nanosleep");
  }
  return info.Env().Undefined();
}

} // namespace

void bind_system(Napi::Object exports) {
  bind<now>(exports, "now");
  bind<euid>(exports, "euid");
  bind<egid>(exports, "egid");
  bind<kernel_release>(exports, "kernelRelease");
  bind<sleep>(exports, "sleep");
}

} // namespace runt
