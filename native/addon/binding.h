// What every family of bindings uses: registering a function so that no C++ exception reaches Node-API, and taking
// arguments that JavaScript may have got wrong.
#pragma once
#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"

namespace runt {

using Bound = Napi::Value (*)(const Napi::CallbackInfo &);

// Throws the failure as {code, errno, syscall, path?}: src/host/system-error.ts makes a SystemError of it.
[[noreturn]] void throw_to_javascript(Napi::Env env, const SystemFailure &failure);
[[noreturn]] void throw_type_error(Napi::Env env, const std::string &message);
[[noreturn]] void throw_unexpected(Napi::Env env, const char *what);

// Every failure leaves as a Napi::Error, which node-addon-api hands on as a JavaScript exception.
template <Bound F>
Napi::Value guarded(const Napi::CallbackInfo &info) {
  try {
    return F(info);
  } catch (const Napi::Error &) {
    throw;
  } catch (const SystemFailure &failure) {
    throw_to_javascript(info.Env(), failure);
  } catch (const std::exception &error) {
    throw_unexpected(info.Env(), error.what());
  }
}

template <Bound F>
void bind(Napi::Object exports, const char *name) {
  exports.Set(name, Napi::Function::New<guarded<F>>(exports.Env(), name));
}

// The arguments of a call, checked one by one; what does not fit is a TypeError that names function and argument.
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo &info) : info_(info) {}

  // An integer between `least` and `most`.
  int64_t integer(size_t index, const char *name, int64_t least, int64_t most) const;
  int fd(size_t index, const char *name) const { return static_cast<int>(integer(index, name, 0, INT32_MAX)); }
  // A descriptor, or -1 for none.
  int optional_fd(size_t index, const char *name) const {
    return static_cast<int>(integer(index, name, -1, INT32_MAX));
  }
  uint32_t mode(size_t index) const { return static_cast<uint32_t>(integer(index, "mode", 0, 07777)); }
  uint32_t id(size_t index, const char *name) const {
    return static_cast<uint32_t>(integer(index, name, 0, 0xfffffffe));
  }
  // A bigint between 0 and 2^64 - 1.
  uint64_t word(size_t index, const char *name) const;
  bool boolean(size_t index, const char *name) const;
  // A string; the kernel would cut it at a NUL, so one inside is refused.
  std::string string(size_t index, const char *name) const;
  // A string that is not empty.
  std::string path(size_t index, const char *name = "path") const;
  // A text of any content, as UTF-8.
  std::string text(size_t index, const char *name) const;
  // The bytes of a Uint8Array; they stay valid until JavaScript runs again.
  struct Bytes {
    const uint8_t *data;
    size_t size;
  };
  Bytes bytes(size_t index, const char *name) const;
  std::vector<int> fds(size_t index, const char *name) const;
  std::vector<std::string> strings(size_t index, const char *name) const;

  [[noreturn]] void refuse(const char *name, const std::string &wanted) const;

 private:
  Napi::Value value(size_t index, const char *name) const;

  const Napi::CallbackInfo &info_;
};

inline Napi::Value bytes_of(Napi::Env env, const void *data, size_t size) {
  auto buffer = Napi::ArrayBuffer::New(env, size);
  if (size != 0) __builtin_memcpy(buffer.Data(), data, size);
  return Napi::Uint8Array::New(env, size, buffer, 0);
}

struct Refused;

// What JavaScript gets for an archive, or a tree, that is not taken (src/host/archives.ts, Refused).
Napi::Value refusal_of(Napi::Env env, const Refused &refused);

// Each family adds its functions.
void bind_cgroups(Napi::Object exports);
void bind_changes(Napi::Object exports);
void bind_devices(Napi::Object exports);
void bind_digest(Napi::Object exports);
void bind_directories(Napi::Object exports);
void bind_export(Napi::Object exports);
void bind_files(Napi::Object exports);
void bind_foreground(Napi::Object exports);
void bind_hooks(Napi::Object exports);
void bind_locks(Napi::Object exports);
void bind_messages(Napi::Object exports);
void bind_netlink(Napi::Object exports);
void bind_notify(Napi::Object exports);
void bind_process(Napi::Object exports);
void bind_removal(Napi::Object exports);
void bind_seccomp(Napi::Object exports);
void bind_sockets(Napi::Object exports);
void bind_spawn(Napi::Object exports);
void bind_system(Napi::Object exports);
void bind_systemd(Napi::Object exports);
void bind_terminal(Napi::Object exports);
void bind_unpack(Napi::Object exports);
void bind_watch(Napi::Object exports);

} // namespace runt
