// Connections to the manager of systemd over D-Bus, calls of its methods, and for those that start a job, the end of
// that job.
//
// libsystemd is the D-Bus client. It is loaded when the first call is made, and only then: a machine without systemd
// needs no such library, and a command without this manager does not pay for it. Every call has a time limit.
#include <dlfcn.h>

#include <cstring>
#include <ctime>
#include <map>
#include <memory>

#include "binding.h"

// The parts of sd-bus.h (sd-bus(3)) that are used; its ABI is stable (libsystemd.so.0).
extern "C" {
struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;
struct sd_bus_error {
  const char *name;
  const char *message;
  int need_free;
};
using Handler = int(sd_bus_message *, void *, sd_bus_error *);
}

namespace runt {

namespace {

constexpr char kLibrary[] = "libsystemd.so.0";
constexpr char kDestination[] = "org.freedesktop.systemd1";
constexpr char kObject[] = "/org/freedesktop/systemd1";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr unsigned kMaxDepth = 16;

// Every function that is looked up in the library, with its type.
struct Library {
  int (*open_system)(sd_bus **);
  int (*new_bus)(sd_bus **);
  int (*set_address)(sd_bus *, const char *);
  int (*set_bus_client)(sd_bus *, int);
  int (*start)(sd_bus *);
  int (*is_ready)(sd_bus *);
  void (*close)(sd_bus *);
  sd_bus *(*unref)(sd_bus *);
  int (*new_method_call)(sd_bus *, sd_bus_message **, const char *, const char *, const char *, const char *);
  int (*append_basic)(sd_bus_message *, char, const void *);
  int (*open_container)(sd_bus_message *, char, const char *);
  int (*close_container)(sd_bus_message *);
  int (*append_array)(sd_bus_message *, char, const void *, size_t);
  int (*read_basic)(sd_bus_message *, char, void *);
  sd_bus_message *(*message_unref)(sd_bus_message *);
  sd_bus_message *(*message_ref)(sd_bus_message *);
  const sd_bus_error *(*message_get_error)(sd_bus_message *);
  int (*call)(sd_bus *, sd_bus_slot **, sd_bus_message *, Handler *, void *, uint64_t);
  int (*match_signal)(sd_bus *, sd_bus_slot **, const char *, const char *, const char *, const char *, Handler *,
                      Handler *, void *);
  sd_bus_slot *(*slot_unref)(sd_bus_slot *);
  int (*process)(sd_bus *, sd_bus_message **);
  int (*wait)(sd_bus *, uint64_t);
  int (*enter_container)(sd_bus_message *, char, const char *);
};

template <class Function>
void look_up(void *handle, const char *name, Function &function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) fail_with(ENOSYS, "dlsym", name);
}

const Library &library() {
  static Library loaded;
  static void *handle = nullptr;
  if (handle != nullptr) return loaded;
  void *opened = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) fail_with(ENOENT, "dlopen", kLibrary);
  look_up(opened, "sd_bus_open_system", loaded.open_system);
  look_up(opened, "sd_bus_new", loaded.new_bus);
  look_up(opened, "sd_bus_set_address", loaded.set_address);
  look_up(opened, "sd_bus_set_bus_client", loaded.set_bus_client);
  look_up(opened, "sd_bus_start", loaded.start);
  look_up(opened, "sd_bus_is_ready", loaded.is_ready);
  look_up(opened, "sd_bus_close", loaded.close);
  look_up(opened, "sd_bus_unref", loaded.unref);
  look_up(opened, "sd_bus_message_new_method_call", loaded.new_method_call);
  look_up(opened, "sd_bus_message_append_basic", loaded.append_basic);
  look_up(opened, "sd_bus_message_open_container", loaded.open_container);
  look_up(opened, "sd_bus_message_close_container", loaded.close_container);
  look_up(opened, "sd_bus_message_append_array", loaded.append_array);
  look_up(opened, "sd_bus_message_read_basic", loaded.read_basic);
  look_up(opened, "sd_bus_message_unref", loaded.message_unref);
  look_up(opened, "sd_bus_message_ref", loaded.message_ref);
  look_up(opened, "sd_bus_message_get_error", loaded.message_get_error);
  look_up(opened, "sd_bus_call_async", loaded.call);
  look_up(opened, "sd_bus_match_signal_async", loaded.match_signal);
  look_up(opened, "sd_bus_process", loaded.process);
  look_up(opened, "sd_bus_wait", loaded.wait);
  look_up(opened, "sd_bus_slot_unref", loaded.slot_unref);
  look_up(opened, "sd_bus_message_enter_container", loaded.enter_container);
  handle = opened;
  return loaded;
}

// Without a flush, which waits: every call has had its answer, or nobody wants it any more.
struct CloseBus {
  void operator()(sd_bus *bus) const {
    library().close(bus);
    library().unref(bus);
  }
};
struct FreeSlot {
  void operator()(sd_bus_slot *slot) const { library().slot_unref(slot); }
};
struct FreeMessage {
  void operator()(sd_bus_message *message) const { library().message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;
using Message = std::unique_ptr<sd_bus_message, FreeMessage>;
using Slot = std::unique_ptr<sd_bus_slot, FreeSlot>;

// sd-bus answers with a negative errno.
int check(int result, const char *call, const std::string &about = {}) {
  if (result < 0) fail_with(-result, call, about);
  return result;
}

uint64_t now_usec() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1000000 + static_cast<uint64_t>(time.tv_nsec) / 1000;
}

// Does what there is to do on the connection, until `done` or the deadline.
template <class Done>
void run_until(sd_bus *bus, uint64_t deadline, const std::string &about, Done done) {
  while (!done()) {
    if (check(library().process(bus, nullptr), "sd_bus_process", about) > 0) continue;
    const uint64_t now = now_usec();
    if (now >= deadline) fail_with(ETIMEDOUT, "sd_bus_wait", about);
    const int result = library().wait(bus, deadline - now);
    if (result != -EINTR) check(result, "sd_bus_wait", about);
  }
}

struct Connection {
  Bus bus;
  // No daemon in between: the other side is systemd itself.
  bool direct = false;
};

// The connections that are open, by number. JavaScript has one thread.
std::map<int64_t, Connection> &connections() {
  static std::map<int64_t, Connection> open;
  return open;
}

const Connection &connection(const Arguments &args) {
  const auto found = connections().find(args.integer(0, "connection", 0, INT32_MAX));
  if (found == connections().end()) fail_with(EBADF, "sd_bus_call");
  return found->second;
}

// systemdOpen(address, direct, timeoutMs): a number for the connection. The system's bus for an empty address.
Napi::Value systemd_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string address = args.string(0, "address");
  const bool direct = args.boolean(1, "direct");
  const uint64_t limit = static_cast<uint64_t>(args.integer(2, "timeoutMs", 1, 600000)) * 1000;
  const uint64_t deadline = now_usec() + limit;
  const std::string about = address.empty() ? "system bus" : address;
  sd_bus *bus = nullptr;
  Bus owned;
  if (address.empty()) {
    check(library().open_system(&bus), "sd_bus_open_system", about);
    owned.reset(bus);
  } else {
    check(library().new_bus(&bus), "sd_bus_new");
    owned.reset(bus);
    check(library().set_address(bus, address.c_str()), "sd_bus_set_address", about);
    check(library().set_bus_client(bus, direct ? 0 : 1), "sd_bus_set_bus_client", about);
    check(library().start(bus), "sd_bus_start", about);
  }
  // The library would wait for the other side's greeting as long as it likes.
  run_until(bus, deadline, about, [bus] { return library().is_ready(bus) > 0; });
  static int64_t last = 0;
  connections()[++last] = Connection{std::move(owned), direct};
  return Napi::Number::New(info.Env(), static_cast<double>(last));
}

// systemdClose(connection): one that is closed already is fine.
Napi::Value systemd_close(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  connections().erase(args.integer(0, "connection", 0, INT32_MAX));
  return info.Env().Undefined();
}

// A signature, read from left to right, and the values of JavaScript that go with it. Without a message they are
// checked only.
class Marshaller {
 public:
  Marshaller(sd_bus_message *message, const Arguments &args) : message_(message), args_(args) {}

  // Appends `values` by `signature`: one value for each complete type.
  void append(const std::string &signature, const Napi::Array &values) {
    size_t at = 0;
    uint32_t index = 0;
    while (at < signature.size()) {
      const size_t end = end_of_type(signature, at);
      if (index >= values.Length()) args_.refuse("args", "has fewer values than its signature");
      append_one(signature.substr(at, end - at), values[index++]);
      at = end;
    }
    if (index != values.Length()) args_.refuse("args", "has more values than its signature");
  }

 private:
  template <class Function, class... Parts>
  void put(Function function, Parts... parts) {
    if (message_ != nullptr) check((library().*function)(message_, parts...), "sd_bus_message_append");
  }

  // Where the complete type that begins at `at` ends. D-Bus allows 255 characters.
  size_t end_of_type(const std::string &signature, size_t at) const {
    if (signature.size() > 255) args_.refuse("signature", "is too long");
    if (at >= signature.size()) args_.refuse("signature", "is cut off");
    if (signature[at] == 'a') return end_of_type(signature, at + 1);
    if (signature[at] != '(') return at + 1;
    size_t depth = 0;
    for (size_t i = at; i < signature.size(); i++) {
      if (signature[i] == '(') depth++;
      if (signature[i] == ')' && --depth == 0) return i + 1;
    }
    args_.refuse("signature", "has a parenthesis that is not closed");
  }

  void append_one(const std::string &type, const Napi::Value &value) {
    if (++depth_ > kMaxDepth) args_.refuse("args", "is nested too deeply");
    append_type(type, value);
    depth_--;
  }

  void append_type(const std::string &type, const Napi::Value &value) {
    const std::string inner = type.substr(1);
    switch (type[0]) {
      case 'a':
        append_array(inner, value);
        return;
      case '(': {
        const std::string fields = type.substr(1, type.size() - 2);
        put(&Library::open_container, 'r', fields.c_str());
        append(fields, array(value));
        put(&Library::close_container);
        return;
      }
      case 'v': {
        // [signature, value]
        const Napi::Array pair = array(value);
        const std::string content = pair.Length() == 2 ? text(pair[0u]) : std::string();
        if (content.empty() || end_of_type(content, 0) != content.size()) args_.refuse("args", "has a bad variant");
        put(&Library::open_container, 'v', content.c_str());
        append_one(content, pair[1u]);
        put(&Library::close_container);
        return;
      }
      default:
        append_basic(type[0], value);
    }
  }

  void append_array(const std::string &item, const Napi::Value &value) {
    if (item == "y" && value.IsTypedArray()) {
      const auto bytes = value.As<Napi::Uint8Array>();
      put(&Library::append_array, 'y', bytes.Data(), bytes.ByteLength());
      return;
    }
    const Napi::Array items = array(value);
    put(&Library::open_container, 'a', item.c_str());
    for (uint32_t i = 0; i < items.Length(); i++) append_one(item, items[i]);
    put(&Library::close_container);
  }

  void append_basic(char type, const Napi::Value &value) {
    const auto basic = [&](const void *from) { put(&Library::append_basic, type, from); };
    switch (type) {
      case 's':
      case 'o':
      case 'g':
        basic(text(value).c_str());
        return;
      case 'b': {
        const int flag = value.IsBoolean() && value.As<Napi::Boolean>().Value() ? 1 : 0;
        basic(&flag);
        return;
      }
      case 'd': {
        const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
        basic(&number);
        return;
      }
      case 'y': {
        const auto number = static_cast<uint8_t>(integer(value));
        basic(&number);
        return;
      }
      case 'n':
      case 'q': {
        const auto number = static_cast<uint16_t>(integer(value));
        basic(&number);
        return;
      }
      case 'i':
      case 'u': {
        const auto number = static_cast<uint32_t>(integer(value));
        basic(&number);
        return;
      }
      case 'x':
      case 't': {
        const uint64_t number = integer(value);
        basic(&number);
        return;
      }
      default:
        args_.refuse("signature", std::string("has a type that is not known: ") + type);
    }
  }

  // 64 bits, in two's complement.
  uint64_t integer(const Napi::Value &value) const {
    bool lossless = false;
    if (value.IsBigInt()) {
      const int64_t with_sign = value.As<Napi::BigInt>().Int64Value(&lossless);
      if (lossless) return static_cast<uint64_t>(with_sign);
      const uint64_t number = value.As<Napi::BigInt>().Uint64Value(&lossless);
      if (lossless) return number;
    }
    if (value.IsNumber()) return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
    args_.refuse("args", "must hold a number where its signature has one");
  }

  std::string text(const Napi::Value &value) const {
    if (!value.IsString()) args_.refuse("args", "must hold a string where its signature has one");
    return value.As<Napi::String>().Utf8Value();
  }

  Napi::Array array(const Napi::Value &value) const {
    if (!value.IsArray()) args_.refuse("args", "must hold an array where its signature has one");
    return value.As<Napi::Array>();
  }

  sd_bus_message *message_;
  const Arguments &args_;
  unsigned depth_ = 0;
};

// The job that is waited for, and its result once it came. Jobs may end before the answer that names ours.
struct Jobs {
  std::string wanted;
  std::vector<std::pair<std::string, std::string>> ended;

  const std::string *result() const {
    for (const auto &[path, text] : ended)
      if (path == wanted) return &text;
    return nullptr;
  }
};

// JobRemoved(u id, o job, s unit, s result)
int job_removed(sd_bus_message *message, void *data, sd_bus_error *) {
  uint32_t id = 0;
  const char *job = nullptr, *unit = nullptr, *result = nullptr;
  const Library &bus = library();
  if (bus.read_basic(message, 'u', &id) < 0 || bus.read_basic(message, 'o', &job) < 0 ||
      bus.read_basic(message, 's', &unit) < 0 || bus.read_basic(message, 's', &result) < 0) {
    return 0;
  }
  static_cast<Jobs *>(data)->ended.emplace_back(job, result);
  return 0;
}

int answered(sd_bus_message *message, void *data, sd_bus_error *) {
  *static_cast<Message *>(data) = Message(library().message_ref(message));
  return 0;
}

// Sends the call and waits for its answer, which may be an error of the other side's. Not by sd_bus_call(3): any signal
// ends that, and whether the call was heard is not known then.
Message call_and_wait(sd_bus *bus, sd_bus_message *call, uint64_t deadline, const std::string &about) {
  const Library &functions = library();
  Message reply;
  sd_bus_slot *made = nullptr;
  // The time limit is run_until's, so that it comes as a failure.
  check(functions.call(bus, &made, call, answered, &reply, UINT64_MAX), "sd_bus_call_async", about);
  const Slot slot(made);
  run_until(bus, deadline, about, [&reply] { return reply != nullptr; });
  const sd_bus_error *error = functions.message_get_error(reply.get());
  const std::string name = error != nullptr && error->name != nullptr ? error->name : "";
  // The end of the connection comes as an answer too.
  if (name == "org.freedesktop.DBus.Error.NoReply") fail_with(ECONNRESET, "sd_bus_call_async", about);
  return reply;
}

// What the other side says instead of an answer: the caller decides what it means.
Napi::Value refusal(Napi::Env env, const sd_bus_error &error) {
  auto facts = Napi::Object::New(env);
  facts.Set("error", error.name != nullptr ? error.name : "");
  facts.Set("message", error.message != nullptr ? error.message : "no reason is given");
  return facts;
}

// systemdCall(connection, member, signature, args, job, timeoutMs): { result } or { error, message }.
Napi::Value systemd_call(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  args.integer(0, "connection", 0, INT32_MAX);
  const std::string member = args.string(1, "member");
  const std::string signature = args.string(2, "signature");
  if (info.Length() < 4 || !info[3].IsArray()) args.refuse("args", "must be an array");
  const bool waits = args.boolean(4, "job");
  const uint64_t limit = static_cast<uint64_t>(args.integer(5, "timeoutMs", 1, 600000)) * 1000;
  const uint64_t deadline = now_usec() + limit;

  const auto values = info[3].As<Napi::Array>();
  Marshaller(nullptr, args).append(signature, values);

  const auto &[bus, direct] = connection(args);
  const Library &functions = library();
  Jobs jobs;
  Slot slot;
  if (waits) {
    // The signal goes to whoever started the job. What asks for it is ahead of the call, so it cannot be missed.
    sd_bus_slot *made = nullptr;
    check(functions.match_signal(bus.get(), &made, direct ? nullptr : kDestination, kObject, kManager, "JobRemoved",
                                 job_removed, nullptr, &jobs),
          "sd_bus_match_signal_async");
    slot.reset(made);
  }

  sd_bus_message *call = nullptr;
  check(functions.new_method_call(bus.get(), &call, kDestination, kObject, kManager, member.c_str()),
        "sd_bus_message_new_method_call", member);
  const Message request(call);
  Marshaller(call, args).append(signature, values);
  const Message reply = call_and_wait(bus.get(), call, deadline, member);
  const sd_bus_error *error = functions.message_get_error(reply.get());
  if (error != nullptr) return refusal(info.Env(), *error);

  auto outcome = Napi::Object::New(info.Env());
  outcome.Set("result", "done");
  if (!waits) return outcome;
  const char *job = nullptr;
  check(functions.read_basic(reply.get(), 'o', &job), "sd_bus_message_read_basic", member);
  jobs.wanted = job;
  run_until(bus.get(), deadline, member, [&jobs] { return jobs.result() != nullptr; });
  outcome.Set("result", *jobs.result());
  return outcome;
}

// systemdProperty(connection, name, timeoutMs): a property of the manager that is a string.
Napi::Value systemd_property(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  args.integer(0, "connection", 0, INT32_MAX);
  const std::string name = args.string(1, "name");
  const uint64_t limit = static_cast<uint64_t>(args.integer(2, "timeoutMs", 1, 600000)) * 1000;
  const Library &functions = library();
  const auto &[bus, direct] = connection(args);
  sd_bus_message *call = nullptr;
  check(functions.new_method_call(bus.get(), &call, kDestination, kObject, "org.freedesktop.DBus.Properties", "Get"),
        "sd_bus_message_new_method_call", name);
  const Message request(call);
  check(functions.append_basic(call, 's', kManager), "sd_bus_message_append", name);
  check(functions.append_basic(call, 's', name.c_str()), "sd_bus_message_append", name);
  const Message reply = call_and_wait(bus.get(), call, now_usec() + limit, name);
  // systemd has every property that is asked for: another answers, or none.
  if (functions.message_get_error(reply.get()) != nullptr) fail_with(EHOSTUNREACH, "sd_bus_call_async", name);
  const char *value = nullptr;
  check(functions.enter_container(reply.get(), 'v', "s"), "sd_bus_message_enter_container", name);
  check(functions.read_basic(reply.get(), 's', &value), "sd_bus_message_read_basic", name);
  return Napi::String::New(info.Env(), value);
}

} // namespace

void bind_systemd(Napi::Object exports) {
  bind<systemd_open>(exports, "systemdOpen");
  bind<systemd_close>(exports, "systemdClose");
  bind<systemd_call>(exports, "systemdCall");
  bind<systemd_property>(exports, "systemdProperty");
}

} // namespace runt
