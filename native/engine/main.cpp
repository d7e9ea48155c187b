// The executable `runt`: starts the engine, gives the program what it was called with, and runs it.
//
// The modules were compiled to bytecode when runt was built. A module is read when it is first imported: a command
// costs only what it needs. Nothing is read from a file, and nothing in the environment gives the engine orders.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "engine.h"

namespace runt::engine {

namespace {

constexpr char kMain[] = "cli.js";
// Like EX_SOFTWARE of sysexits.h: a defect of runt's own.
constexpr int kBroken = 70;

// As Node names it.
#if defined(__x86_64__)
constexpr char kArchitecture[] = "x64";
#elif defined(__aarch64__)
constexpr char kArchitecture[] = "arm64";
#endif

// What the engine may take of the stack, at most: the rest is the addon's.
constexpr size_t kMaxStack = 2 << 20;
// Garbage in cycles is looked for when so much was allocated; a command mostly ends before.
constexpr size_t kCollectAfter = 64 << 20;

// By how much the heap grows at a time, in one system call: a command needs more than libc's 128 KiB. Pages that are
// not touched cost nothing.
constexpr int kHeapStep = 1 << 20;

struct Module {
  const uint8_t *code;
  size_t size;
};

uint32_t number_at(const unsigned char *bytes) {
  uint32_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

// runt_modules is made with the executable, and trusted.
bool find_module(const char *name, Module &module) {
  const unsigned char *at = runt_modules, *end = runt_modules + runt_modules_size;
  while (at < end) {
    const size_t name_size = number_at(at) + 1, size = number_at(at + 4);
    at += 8;
    if (std::strcmp(reinterpret_cast<const char *>(at), name) == 0) {
      module = {at + name_size, size};
      return true;
    }
    at += name_size + size;
  }
  return false;
}

JSValue read_module(JSContext *context, const char *name) {
  Module module{};
  if (!find_module(name, module)) return JS_ThrowReferenceError(context, "no module is called %s", name);
  return JS_ReadObject(context, module.code, module.size, JS_READ_OBJ_BYTECODE);
}

JSModuleDef *load_module(JSContext *context, const char *name, void *) {
  JSValue module = read_module(context, name);
  if (JS_IsException(module)) return nullptr;
  // The context holds the module itself; this was one more reference to it.
  auto *definition = static_cast<JSModuleDef *>(JS_VALUE_GET_PTR(module));
  JS_FreeValue(context, module);
  return definition;
}

// All modules lie beside each other: "./name.js" is called name.js.
char *normalize_name(JSContext *context, const char *, const char *name, void *) {
  return js_strdup(context, std::strncmp(name, "./", 2) == 0 ? name + 2 : name);
}

JSValue text_of(JSContext *context, const char *text) { return new_string(context, text, std::strlen(text)); }

JSValue strings(JSContext *context, char *const *texts) {
  JSValue array = JS_NewArray(context);
  for (uint32_t index = 0; texts[index] != nullptr; index++)
    JS_SetPropertyUint32(context, array, index, text_of(context, texts[index]));
  return array;
}

// By name. Of two entries with one name the first one counts, as for getenv(3).
JSValue variables(JSContext *context, char *const *environment) {
  JSValue object = JS_NewObjectProto(context, JS_NULL);
  for (; *environment != nullptr; environment++) {
    const char *equals = std::strchr(*environment, '=');
    if (equals == nullptr || equals == *environment) continue;
    JSAtom name = JS_NewAtomLen(context, *environment, static_cast<size_t>(equals - *environment));
    if (name == JS_ATOM_NULL) break;
    if (JS_HasProperty(context, object, name) == 0)
      JS_DefinePropertyValue(context, object, name, text_of(context, equals + 1), JS_PROP_C_W_E);
    JS_FreeAtom(context, name);
  }
  return object;
}

// The working directory; "/" where it was removed: nothing can be found from there anyway.
JSValue working_directory(JSContext *context) {
  char *path = ::getcwd(nullptr, 0);
  JSValue text = text_of(context, path != nullptr && *path == '/' ? path : "/");
  std::free(path);
  return text;
}

// Promises that were rejected while nobody minded, and what for. Whoever minds later takes it back.
struct Rejection {
  JSValue promise;
  JSValue reason;
};
std::vector<Rejection> rejections;

void note_rejection(JSContext *context, JSValueConst promise, JSValueConst reason, bool is_handled, void *) {
  if (!is_handled) {
    try {
      rejections.push_back({promise, reason});
      JS_DupValue(context, promise);
      JS_DupValue(context, reason);
    } catch (const std::bad_alloc &) {
      // There is no memory to remember it; whoever waits for it is told all the same.
    }
    return;
  }
  const auto found = std::find_if(rejections.begin(), rejections.end(), [&](const Rejection &rejection) {
    return JS_IsStrictEqual(context, rejection.promise, promise);
  });
  if (found == rejections.end()) return;
  JS_FreeValue(context, found->promise);
  JS_FreeValue(context, found->reason);
  rejections.erase(found);
}

int broken(JSContext *context, const char *reason = nullptr);

// exitNow of the addon, in whose place this stands: the end of the program, unless something of it failed unseen.
JSValue leave(JSContext *context, JSValueConst self, int count, JSValueConst *arguments, int, JSValueConst *exit_now) {
  if (rejections.empty()) return JS_Call(context, *exit_now, self, count, arguments);
  JS_Throw(context, JS_DupValue(context, rejections.front().reason));
  ::_exit(broken(context));
}

// `runtEngine`: src/host/engine.ts says what is in it.
bool introduce(JSContext *context, char **arguments, char **environment) {
  JSValue addon = load_addon(context);
  if (JS_IsException(addon)) return false;
  JSValue exit_now = JS_GetPropertyStr(context, addon, "exitNow");
  JS_SetPropertyStr(context, addon, "exitNow", JS_NewCFunctionData2(context, leave, "exitNow", 1, 0, 1, &exit_now));
  JS_FreeValue(context, exit_now);
  JSValue engine = JS_NewObject(context);
  JS_SetPropertyStr(context, engine, "addon", addon);
  JS_SetPropertyStr(context, engine, "version", JS_NewString(context, JS_GetVersion()));
  JS_SetPropertyStr(context, engine, "architecture", JS_NewString(context, kArchitecture));
  JS_SetPropertyStr(context, engine, "arguments", strings(context, arguments));
  JS_SetPropertyStr(context, engine, "environment", variables(context, environment));
  JS_SetPropertyStr(context, engine, "directory", working_directory(context));
  JSValue global = JS_GetGlobalObject(context);
  JS_SetPropertyStr(context, global, "runtEngine", engine);
  JS_FreeValue(context, global);
  // Of all these, what had no memory.
  return !JS_HasException(context);
}

// Tells the pending exception, or `reason`.
int broken(JSContext *context, const char *reason) {
  std::string text = reason == nullptr ? "" : reason;
  if (reason == nullptr) {
    JSValue error = JS_GetException(context);
    if (const char *message = JS_ToCString(context, error)) text = message;
    JSValue stack = JS_GetPropertyStr(context, error, "stack");
    if (JS_IsString(stack))
      if (const char *frames = JS_ToCString(context, stack)) text.append("\n").append(frames);
  }
  std::fprintf(stderr, "runt: %s\n", text.c_str());
  return kBroken;
}

// The program ends the process itself (exitNow of the addon): whatever comes back from here is a defect.
int run(JSRuntime *runtime, JSContext *context, char **arguments, char **environment) {
  if (!add_globals(context) || !introduce(context, arguments, environment)) return broken(context);
  JSValue module = read_module(context, kMain);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0) return broken(context);
  JSValue promise = JS_EvalFunction(context, module);
  if (JS_IsException(promise)) return broken(context);
  for (;;) {
    JSContext *of = nullptr;
    const int done = JS_ExecutePendingJob(runtime, &of);
    if (done < 0) return broken(of);
    if (done == 0) break;
  }
  // Of several the first: it may be why the others came.
  if (!rejections.empty()) {
    JS_Throw(context, JS_DupValue(context, rejections.front().reason));
    return broken(context);
  }
  if (JS_PromiseState(context, promise) == JS_PROMISE_REJECTED) {
    JS_Throw(context, JS_PromiseResult(context, promise));
    return broken(context);
  }
  return broken(context, "the program waits for what never comes");
}

// A quarter of the stack that the kernel gives, at most kMaxStack: arguments and environment are on it as well.
size_t stack_size() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur / 4 > kMaxStack) return kMaxStack;
  return static_cast<size_t>(limit.rlim_cur / 4);
}

} // namespace

} // namespace runt::engine

int main(int, char **arguments, char **environment) {
  using namespace runt::engine;
  // Whoever reads our output may leave; the write says so (EPIPE). Node does the same.
  std::signal(SIGPIPE, SIG_IGN);
  ::mallopt(M_TOP_PAD, kHeapStep);
  ::mallopt(M_TRIM_THRESHOLD, 8 * kHeapStep);
  JSRuntime *runtime = JS_NewRuntime();
  JSContext *context = runtime == nullptr ? nullptr : JS_NewContextRaw(runtime);
  if (context == nullptr) {
    std::fputs("runt: no memory\n", stderr);
    return kBroken;
  }
  JS_SetMaxStackSize(runtime, stack_size());
  JS_SetGCThreshold(runtime, kCollectAfter);
  JS_SetModuleLoaderFunc(runtime, normalize_name, load_module, nullptr);
  JS_SetHostPromiseRejectionTracker(runtime, note_rejection, nullptr);
  return run(runtime, context, arguments, environment);
}
