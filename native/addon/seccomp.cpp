// seccompLibrary(), resolveSyscalls(names, architectures), compileSeccomp(…): filters of system calls, made by
// libseccomp. It is loaded when the first filter has to be compiled and not before: most commands need none, and those
// that do mostly find it compiled already.
#include <dlfcn.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <memory>

#include "binding.h"
#include "fd.h"

namespace runt {

namespace {

constexpr const char *kName = "libseccomp.so.2";
// Nobody needs more; a request that does is a fault.
constexpr size_t kMaxNames = 1 << 16;
constexpr size_t kMaxArchitectures = 64;
constexpr uint64_t kMaxConditions = 6;

// What is used of seccomp.h of libseccomp 2.5, whose headers a build needs not for it.
struct Version {
  unsigned major, minor, micro;
};
struct Condition {
  unsigned argument;
  int comparison; // enum scmp_compare
  uint64_t first, second;
};
constexpr int kOptimize = 8; // SCMP_FLTATR_CTL_OPTIMIZE
using Context = void *;

struct Library {
  void *handle = nullptr;
  const Version *(*version)() = nullptr;
  int (*api_set)(unsigned level) = nullptr;
  int (*resolve)(uint32_t architecture, const char *name) = nullptr;
  Context (*init)(uint32_t action) = nullptr;
  void (*release)(Context) = nullptr;
  int (*arch_add)(Context, uint32_t architecture) = nullptr;
  int (*attr_set)(Context, int attribute, uint32_t value) = nullptr;
  int (*rule_add)(Context, uint32_t action, int syscall, unsigned count, const Condition *) = nullptr;
  int (*export_bpf)(Context, int fd) = nullptr;
};

template <class Function>
void find(void *handle, const char *name, Function &function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) fail_with(ENOSYS, "dlsym", std::string(kName) + " (too old: it has no " + name + ")");
}

Library load() {
  Library library;
  library.handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (library.handle == nullptr) {
    const char *why = ::dlerror();
    fail_with(ENOENT, "dlopen", why == nullptr ? kName : why);
  }
  find(library.handle, "seccomp_version", library.version);
  find(library.handle, "seccomp_api_set", library.api_set);
  find(library.handle, "seccomp_syscall_resolve_name_arch", library.resolve);
  find(library.handle, "seccomp_init", library.init);
  find(library.handle, "seccomp_release", library.release);
  find(library.handle, "seccomp_arch_add", library.arch_add);
  find(library.handle, "seccomp_attr_set", library.attr_set);
  find(library.handle, "seccomp_rule_add_array", library.rule_add);
  find(library.handle, "seccomp_export_bpf", library.export_bpf);
  // By itself the library asks the kernel what it can do, and compiles for that. A filter is compiled for the kernels
  // that runt runs on, whose oldest can do all that level 6 stands for (seccomp_api_get(3)).
  library.api_set(6);
  return library;
}

const Library &library() {
  static const Library loaded = load();
  return loaded;
}

// Where the library was found, without symlinks; and its version.
Napi::Value seccomp_library(const Napi::CallbackInfo &info) {
  const Library &lib = library();
  const Version *version = lib.version();
  Dl_info place;
  std::string path;
  if (::dladdr(reinterpret_cast<const void *>(lib.version), &place) != 0 && place.dli_fname != nullptr)
    path = place.dli_fname;
  auto result = Napi::Object::New(info.Env());
  result.Set("path", path);
  result.Set("version", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                            std::to_string(version->micro));
  return result;
}

std::vector<uint32_t> architectures_of(const Arguments &args, size_t index) {
  std::vector<uint32_t> list;
  const auto bytes = args.bytes(index, "architectures");
  if (bytes.size % sizeof(uint32_t) != 0 || bytes.size / sizeof(uint32_t) > kMaxArchitectures)
    args.refuse("architectures", "must be at most 64 words of 32 bits");
  list.resize(bytes.size / sizeof(uint32_t));
  if (!list.empty()) __builtin_memcpy(list.data(), bytes.data, bytes.size);
  return list;
}

// The numbers of the names in each architecture, one architecture after the other: 32 bits each, -1 for an unknown
// one.
Napi::Value resolve_syscalls(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto names = args.strings(0, "names");
  const auto architectures = architectures_of(args, 1);
  if (names.size() > kMaxNames) args.refuse("names", "must be fewer");
  const Library &lib = library();
  std::vector<int32_t> numbers;
  numbers.reserve(names.size() * architectures.size());
  for (uint32_t architecture : architectures)
    for (const std::string &name : names) numbers.push_back(lib.resolve(architecture, name.c_str()));
  return bytes_of(info.Env(), numbers.data(), numbers.size() * sizeof(int32_t));
}

// Words of 64 bits, read one after the other.
class Words {
 public:
  Words(const Arguments &args, Arguments::Bytes bytes) : args_(args), bytes_(bytes) {
    if (bytes.size % sizeof(uint64_t) != 0) refuse();
  }
  bool left() const { return at_ < bytes_.size; }
  uint64_t next(uint64_t most = UINT64_MAX) {
    uint64_t value;
    if (!left()) refuse();
    __builtin_memcpy(&value, bytes_.data + at_, sizeof value);
    at_ += sizeof value;
    if (value > most) refuse();
    return value;
  }

 private:
  [[noreturn]] void refuse() const { args_.refuse("rules", "must be rules as src/host/host.ts describes them"); }

  const Arguments &args_;
  Arguments::Bytes bytes_;
  size_t at_ = 0;
};

struct Release {
  void operator()(void *context) const { library().release(context); }
};

// libseccomp answers with negative errnos; `index` tells which of several was refused.
void check(int result, const char *call, size_t index) {
  if (result < 0) fail_with(-result, call, std::to_string(index));
}

// The program as the kernel takes it: struct sock_filter, one after the other.
Napi::Value exported(Napi::Env env, Context context) {
  Fd file(::memfd_create("runt-seccomp", MFD_CLOEXEC));
  if (!file.valid()) fail("memfd_create");
  check(library().export_bpf(context, file.get()), "seccomp_export_bpf", 0);
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  if (size < 0) fail("lseek");
  if (size == 0 || static_cast<size_t>(size) % sizeof(sock_filter) != 0) fail_with(EINVAL, "seccomp_export_bpf");
  std::string program(static_cast<size_t>(size), '\0');
  const ssize_t got = retry([&] { return ::pread(file.get(), program.data(), program.size(), 0); });
  if (got != size) fail_with(got < 0 ? errno : EIO, "pread");
  return bytes_of(env, program.data(), program.size());
}

// compileSeccomp(defaultAction, architectures, optimize, rules)
Napi::Value compile_seccomp(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto action = static_cast<uint32_t>(args.integer(0, "defaultAction", 0, UINT32_MAX));
  const auto architectures = architectures_of(args, 1);
  const auto optimize = static_cast<uint32_t>(args.integer(2, "optimize", 0, 2));
  Words rules(args, args.bytes(3, "rules"));

  const Library &lib = library();
  const std::unique_ptr<void, Release> context(lib.init(action));
  if (!context) fail_with(EINVAL, "seccomp_init");
  for (size_t i = 0; i < architectures.size(); i++) {
    const int result = lib.arch_add(context.get(), architectures[i]);
    // The native one is there from the beginning.
    if (result != -EEXIST) check(result, "seccomp_arch_add", i);
  }
  if (optimize != 0) check(lib.attr_set(context.get(), kOptimize, optimize), "seccomp_attr_set", 0);
  for (size_t index = 0; rules.left(); index++) {
    const auto number = static_cast<int32_t>(static_cast<uint32_t>(rules.next(UINT32_MAX)));
    const auto rule_action = static_cast<uint32_t>(rules.next(UINT32_MAX));
    const auto count = static_cast<unsigned>(rules.next(kMaxConditions));
    Condition conditions[kMaxConditions];
    for (unsigned i = 0; i < count; i++) {
      conditions[i].argument = static_cast<unsigned>(rules.next(UINT32_MAX));
      conditions[i].comparison = static_cast<int>(rules.next(INT_MAX));
      conditions[i].first = rules.next();
      conditions[i].second = rules.next();
    }
    check(lib.rule_add(context.get(), rule_action, number, count, conditions), "seccomp_rule_add", index);
  }
  return exported(info.Env(), context.get());
}

} // namespace

void bind_seccomp(Napi::Object exports) {
  bind<seccomp_library>(exports, "seccompLibrary");
  bind<resolve_syscalls>(exports, "resolveSyscalls");
  bind<compile_seccomp>(exports, "compileSeccomp");
}

} // namespace runt
