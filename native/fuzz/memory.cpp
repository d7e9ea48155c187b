// Memory that is not there: each allocation of a call fails once, the engine's and native code's, alone or with all
// that follow it. Whatever Node-API on the engine, TextEncoder and TextDecoder make of it, nothing is used that was not
// made.
#include <new>

#include "common/engine.h"

namespace {

using runt::fuzz::Engine;

// How many allocations there are until one fails; 0: none does. Of libFuzzer's none: only a call is counted.
size_t left = 0;
bool counted = false, all_that_follow = false, failed = false;

bool fails() {
  if (!counted || (failed && !all_that_follow)) return false;
  if (!failed && --left > 0) return false;
  failed = true;
  return true;
}

void *engines_calloc(void *, size_t count, size_t size) { return fails() ? nullptr : std::calloc(count, size); }
void *engines_malloc(void *, size_t size) { return fails() ? nullptr : std::malloc(size); }
void *engines_realloc(void *, void *data, size_t size) { return fails() ? nullptr : std::realloc(data, size); }
void engines_free(void *, void *data) { std::free(data); }
constexpr JSMallocFunctions kFunctions = {engines_calloc, engines_malloc, engines_free, engines_realloc, nullptr};

// use(text): as node-addon-api uses Node-API, but that it goes on where it would end the process.
napi_value use(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value text = nullptr, made = nullptr, code = nullptr, object = nullptr, list = nullptr;
  const auto good = [](napi_status status) { return status == napi_ok; };
  const auto clear = [&] {
    napi_value error = nullptr;
    bool pending = false;
    if (good(napi_is_exception_pending(env, &pending)) && pending) napi_get_and_clear_last_exception(env, &error);
  };
  if (!good(napi_get_cb_info(env, info, &count, &text, nullptr, nullptr)) || count != 1) return nullptr;
  napi_ref kept = nullptr;
  if (good(napi_create_error(env, nullptr, text, &made))) {
    if (good(napi_create_reference(env, made, 1, &kept))) {
      napi_get_reference_value(env, kept, &made);
      napi_delete_reference(env, kept);
    }
    napi_throw(env, made);
  }
  clear();
  if (good(napi_create_string_utf8(env, "ECODE", NAPI_AUTO_LENGTH, &code)))
    napi_create_type_error(env, code, text, &made);
  clear();
  if (good(napi_create_object(env, &object))) {
    const napi_property_descriptor properties[] = {
        {"a", nullptr, nullptr, nullptr, nullptr, text, napi_enumerable, nullptr},
        {nullptr, text, nullptr, nullptr, nullptr, text, napi_writable, nullptr}};
    bool has = false;
    napi_define_properties(env, object, 2, properties);
    clear();
    napi_set_named_property(env, object, "b", text);
    clear();
    napi_has_property(env, object, text, &has);
    clear();
    if (good(napi_get_property(env, object, text, &made))) napi_set_named_property(env, object, "c", made);
    clear();
    napi_value number = nullptr;
    if (good(napi_create_double(env, 0.5, &number)) && good(napi_has_property(env, object, number, &has)))
      napi_get_property(env, object, number, &made);
    clear();
  }
  if (good(napi_create_array_with_length(env, 3, &list))) napi_set_element(env, list, 2, text);
  clear();
  void *data = nullptr;
  if (good(napi_create_arraybuffer(env, 16, &data, &made)))
    napi_create_typedarray(env, napi_uint8_array, 16, made, 0, &made);
  clear();
  static int external;
  external = 0;
  const auto drop = [](napi_env, void *given, void *) { ++*static_cast<int *>(given); };
  if (!good(napi_create_external(env, &external, drop, nullptr, &made)) && external != 0)
    Engine::fault("what was refused was dropped");
  clear();
  napi_create_bigint_uint64(env, UINT64_MAX, &made);
  clear();
  size_t size = 0;
  char bytes[16];
  napi_get_value_string_utf8(env, text, nullptr, 0, &size);
  clear();
  napi_get_value_string_utf8(env, text, bytes, sizeof bytes, &size);
  clear();
  napi_coerce_to_string(env, text, &made);
  clear();
  return text;
}

// The call that `which` stands for, of the same arguments each time.
JSValue call(Engine &engine, unsigned which, std::string_view text) {
  switch (which % 4) {
    case 0:
      return engine.call("use", {engine.string(text)});
    case 1:
      return engine.call_global("TextDecoder", "decode", {engine.bytes(text)});
    case 2:
      return engine.call_global("TextEncoder", "encodeInto", {engine.string(text), engine.bytes("12345")});
    default:
      return engine.call_global("TextEncoder", "encode", {engine.string(text)});
  }
}

} // namespace

// In place of the sanitizer's own, which would end the process where it has no memory.
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return fails() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void *operator new(size_t size) {
  void *data = operator new(size, std::nothrow);
  if (data == nullptr) throw std::bad_alloc();
  return data;
}
void *operator new[](size_t size) { return operator new(size); }
void *operator new[](size_t size, const std::nothrow_t &) noexcept { return operator new(size, std::nothrow); }
void operator delete(void *data) noexcept { std::free(data); }
void operator delete(void *data, size_t) noexcept { std::free(data); }
void operator delete[](void *data) noexcept { std::free(data); }
void operator delete[](void *data, size_t) noexcept { std::free(data); }

void runt::fuzz::bind_functions(Napi::Object exports) {
  napi_value function = nullptr;
  if (napi_create_function(exports.Env(), "use", NAPI_AUTO_LENGTH, use, nullptr, &function) != napi_ok)
    Engine::fault("no function");
  exports.Set("use", Napi::Value(exports.Env(), function));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Engine engine(&kFunctions);
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char *>(data) + 2, std::min<size_t>(size - 2, 64));
  const unsigned which = data[0];
  // Whatever is made once is there.
  engine.free({call(engine, which, text)});
  for (size_t nth = 1;; nth++) {
    left = nth;
    failed = false;
    all_that_follow = (data[1] & 1) != 0;
    engine.counts = &counted;
    JSValue result = call(engine, which, text);
    engine.counts = nullptr;
    engine.free({result});
    if (!failed) return 0;
    engine.free({call(engine, which, text)});
  }
}
