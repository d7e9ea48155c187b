// The addon's functions, called by JavaScript as in the executable, for fuzzers of what they read.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "../../addon/binding.h"
#include "../../engine/engine.h"

namespace runt::fuzz {

// What the addon of this fuzzer has; each defines its own.
void bind_functions(Napi::Object exports);

class Engine {
 public:
  explicit Engine(const JSMallocFunctions *memory = nullptr)
      : runtime_(memory == nullptr ? JS_NewRuntime() : JS_NewRuntime2(memory, nullptr)),
        context_(JS_NewContextRaw(runtime_)) {
    if (!engine::add_globals(context_)) fault("no globals");
    global_ = JS_GetGlobalObject(context_);
    addon_ = engine::load_addon(context_);
    if (JS_IsException(addon_)) fault("no addon");
  }
  Engine(const Engine &) = delete;
  Engine &operator=(const Engine &) = delete;

  [[noreturn]] static void fault(const std::string &what) {
    std::fprintf(stderr, "fault: %s\n", what.c_str());
    std::abort();
  }

  // Where it is given, true while a function is called, which may then throw anything.
  bool *counts = nullptr;

  JSContext *context() const { return context_; }
  JSValue number(double value) const { return JS_NewNumber(context_, value); }
  JSValue boolean(bool value) const { return JS_NewBool(context_, value); }
  JSValue string(std::string_view text) const { return engine::new_string(context_, text.data(), text.size()); }
  JSValue bytes(std::string_view data) const {
    return JS_NewUint8ArrayCopy(context_, reinterpret_cast<const uint8_t *>(data.data()), data.size());
  }

  // Calls a function of the addon, and takes over the arguments. It returns, or throws an Error that is a TypeError or
  // a failed system call's; then the result is undefined.
  JSValue call(const char *name, std::initializer_list<JSValue> arguments) { return call_of(addon_, name, arguments); }
  // The same of a global object's function.
  JSValue call_global(const char *object, const char *name, std::initializer_list<JSValue> arguments) {
    JSValue holder = JS_GetPropertyStr(context_, global_, object);
    JSValue made = JS_CallConstructor(context_, holder, 0, nullptr);
    JSValue result = call_of(made, name, arguments);
    free({holder, made});
    return result;
  }
  void free(std::initializer_list<JSValue> values) {
    for (JSValue value : values) JS_FreeValue(context_, value);
  }

  JSValue property(JSValue object, const char *name) { return JS_GetPropertyStr(context_, object, name); }
  std::string text_of(JSValue value) {
    size_t size = 0;
    const char *text = JS_ToCStringLen(context_, &size, value);
    if (text == nullptr) fault("no text");
    std::string result(text, size);
    JS_FreeCString(context_, text);
    return result;
  }
  std::string text_at(JSValue object, const char *name) {
    JSValue value = property(object, name);
    std::string text = text_of(value);
    JS_FreeValue(context_, value);
    return text;
  }
  double number_at(JSValue object, const char *name) {
    JSValue value = property(object, name);
    double number = 0;
    if (!JS_IsNumber(value) || JS_ToFloat64(context_, &number, value) != 0) fault(std::string(name) + " is no number");
    JS_FreeValue(context_, value);
    return number;
  }

 private:
  JSValue call_of(JSValue object, const char *name, std::initializer_list<JSValue> arguments) {
    std::vector<JSValue> list(arguments);
    JSValue function = property(object, name);
    if (counts != nullptr) *counts = true;
    JSValue result = JS_Call(context_, function, object, static_cast<int>(list.size()), list.data());
    const bool without_memory = counts != nullptr;
    if (counts != nullptr) *counts = false;
    free({function});
    for (JSValue argument : list) JS_FreeValue(context_, argument);
    if (!JS_IsException(result)) return result;
    JSValue error = JS_GetException(context_);
    if (without_memory) {
      free({error});
      return JS_UNDEFINED;
    }
    const std::string kind = text_at(error, "name"), message = text_at(error, "message");
    JSValue failed = property(error, "syscall");
    const bool expected = kind == "TypeError" || JS_IsString(failed);
    free({error, failed});
    if (!expected) fault(std::string(name) + ": " + kind + ": " + message);
    return JS_UNDEFINED;
  }

  JSRuntime *runtime_;
  JSContext *context_;
  JSValue global_ = JS_UNDEFINED;
  JSValue addon_ = JS_UNDEFINED;
};

} // namespace runt::fuzz

extern "C" inline __attribute__((used)) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  runt::fuzz::bind_functions(Napi::Object(env, exports));
  return exports;
}
