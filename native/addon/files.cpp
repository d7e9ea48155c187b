// Files and descriptors: reading and writing.
// allow path in this file: the caller names what is runt’s own on the host, or what config.json names there
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <atomic>

#include "binding.h"
#include "fd.h"
#include "image.h"

namespace runt {

namespace {

constexpr size_t kChunk = 16 << 10;
constexpr int64_t kMaxRead = 64 << 20;
constexpr int kTemporaryNames = 100;

Fd open_file(const std::string &path, int flags, unsigned mode = 0) {
  Fd fd(retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode); }));
  if (!fd.valid()) fail("open", path);
  return fd;
}

// One write(2), which the kernel must take whole: cgroup and proc files see every call as a request of its own.
void write_once(const Fd &fd, const std::string &text, const std::string &path) {
  const ssize_t written = retry([&] { return ::write(fd.get(), text.data(), text.size()); });
  if (written == -1) fail("write", path);
  if (static_cast<size_t>(written) != text.size()) fail_with(EIO, "write", path);
}

void wait_until_ready(int fd, short events) {
  pollfd entry = {fd, events, 0};
  retry([&] { return ::poll(&entry, 1, -1); });
}

// Reads at most `room` bytes; 0 at the end of the file. Waits where the descriptor is non-blocking.
size_t read_some(int fd, void *data, size_t room, const std::string &path) {
  for (;;) {
    const ssize_t size = ::read(fd, data, room);
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EAGAIN) {
      wait_until_ready(fd, POLLIN);
    } else if (errno != EINTR) {
      fail("read", path);
    }
  }
}

// readText(path, maxBytes, missingOk): undefined for a missing file where that is fine. proc and cgroup files tell no
// size: read to the end.
Napi::Value read_text(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const auto most = static_cast<size_t>(args.integer(1, "maxBytes", 0, kMaxRead));
  const bool missing_ok = args.boolean(2, "missingOk");
  Fd fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  if (!fd.valid()) {
    if (missing_ok && (errno == ENOENT || errno == ENOTDIR)) return info.Env().Undefined();
    fail("open", path);
  }
  std::string text;
  char chunk[kChunk];
  while (const size_t got = read_some(fd.get(), chunk, sizeof chunk, path)) {
    if (got > most - text.size()) fail_with(EFBIG, "read", path);
    text.append(chunk, got);
  }
  return Napi::String::New(info.Env(), text);
}

Napi::Value write_existing(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  write_once(open_file(path, O_WRONLY | O_TRUNC), args.text(1, "text"), path);
  return info.Env().Undefined();
}

// A new file beside `path`, with a name that nobody else uses; `*name` becomes its path.
Fd open_temporary(const std::string &path, unsigned mode, std::string *name) {
  static std::atomic<unsigned> counter = 0;
  const size_t slash = path.rfind('/');
  const size_t base = slash == std::string::npos ? 0 : slash + 1;
  for (int attempt = 0; attempt < kTemporaryNames; attempt++) {
    const std::string suffix = "." + std::to_string(::getpid()) + "." + std::to_string(counter++);
    // 255: NAME_MAX.
    *name = path.substr(0, base) + "." + path.substr(base, 255 - 1 - suffix.size()) + suffix;
    Fd fd(retry([&] { return ::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode); }));
    if (fd.valid()) return fd;
    // Left behind by a process that was killed and had this pid.
    if (errno != EEXIST) fail("open", path);
  }
  fail_with(EEXIST, "open", path);
}

// False where it did not come to be, whatever the reason.
bool write_unnamed(const std::string &path, const std::string &text, unsigned mode) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return false;
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  const auto give_name = [&] {
    return ::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  return give_name() || (errno == EEXIST && ::unlink(path.c_str()) == 0 && give_name());
}

// writeAtomic(path, text, mode, unnamed). No fsync: what runt keeps lives on a tmpfs or is worthless after a crash of
// the machine.
//
// unnamed: the file has no name before it is whole, so that a process that is killed leaves none; what had the name
// goes before. Where the filesystem has no such files, it is as without.
Napi::Value write_atomic(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const std::string text = args.text(1, "text");
  if (args.boolean(3, "unnamed") && write_unnamed(path, text, args.mode(2))) return info.Env().Undefined();
  std::string temporary;
  Fd fd = open_temporary(path, args.mode(2), &temporary);
  try {
    write_all(fd.get(), text.data(), text.size(), path.c_str());
    fd.reset();
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename", path);
  } catch (const SystemFailure &) {
    ::unlink(temporary.c_str());
    throw;
  }
  return info.Env().Undefined();
}

Napi::Value write_new(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const std::string text = args.text(1, "text");
  Fd fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, args.mode(2));
  try {
    write_all(fd.get(), text.data(), text.size(), path.c_str());
  } catch (const SystemFailure &) {
    ::unlink(path.c_str());
    throw;
  }
  return info.Env().Undefined();
}

Napi::Value append(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const std::string text = args.text(1, "text");
  const Fd fd = open_file(path, O_WRONLY | O_APPEND | O_CREAT, args.mode(2));
  write_all(fd.get(), text.data(), text.size(), path.c_str());
  return info.Env().Undefined();
}

// open(path, flags): the bits are openFlags of src/host/host.ts; some values of the kernel's differ between
// architectures.
Napi::Value open_path(const Napi::CallbackInfo &info) {
  static constexpr int kFlags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW, O_PATH};
  constexpr int kAll = (1 << (sizeof kFlags / sizeof *kFlags)) - 1;
  const Arguments args(info);
  const std::string path = args.path(0);
  const auto bits = static_cast<int>(args.integer(1, "flags", 0, kAll));
  if ((bits & 6) == 6) args.refuse("flags", "must not be both write-only and read-write");
  int flags = 0;
  for (size_t i = 0; i < sizeof kFlags / sizeof *kFlags; i++) {
    if ((bits >> i & 1) != 0) flags |= kFlags[i];
  }
  return Napi::Number::New(info.Env(), open_file(path, flags, 0600).release());
}

Napi::Value close_fd(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  // The standard streams stay: their numbers would be taken by the next descriptor.
  const auto fd = static_cast<int>(args.integer(0, "fd", 3, INT32_MAX));
  if (::close(fd) != 0 && errno == EBADF) fail("close");
  return info.Env().Undefined();
}

Napi::Value read_fd(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "fd");
  std::string data(static_cast<size_t>(args.integer(1, "max", 1, kMaxRead)), '\0');
  const size_t size = read_some(fd, data.data(), data.size(), "");
  return bytes_of(info.Env(), data.data(), size);
}

Napi::Value write_fd(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "fd");
  const auto data = args.bytes(1, "data");
  write_all(fd, data.data, data.size, "");
  return info.Env().Undefined();
}

// writeStream(fd, text): to standard output or error. False where nobody reads any more (EPIPE) or the stream is gone.
Napi::Value write_stream(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int fd = args.fd(0, "fd");
  const std::string text = args.text(1, "text");
  try {
    write_all(fd, text.data(), text.size(), fd == STDOUT_FILENO ? "standard output" : "standard error");
  } catch (const SystemFailure &failure) {
    if (failure.error != EPIPE && failure.error != EBADF && failure.error != EIO) throw;
    return Napi::Boolean::New(info.Env(), false);
  }
  return Napi::Boolean::New(info.Env(), true);
}

} // namespace

void bind_files(Napi::Object exports) {
  bind<read_text>(exports, "readText");
  bind<write_existing>(exports, "writeExisting");
  bind<write_atomic>(exports, "writeAtomic");
  bind<write_new>(exports, "writeNew");
  bind<append>(exports, "append");
  bind<open_path>(exports, "open");
  bind<close_fd>(exports, "close");
  bind<read_fd>(exports, "read");
  bind<write_fd>(exports, "write");
  bind<write_stream>(exports, "writeStream");
}

} // namespace runt
