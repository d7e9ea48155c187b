// Node-API on QuickJS: as much of it as the addon uses, so that the same sources are runt.node for Node and a part of
// the executable. What each function does stands in Node's documentation ("Node-API"); where the engine differs, a
// comment says so. A function that is missing here is missing when the executable is linked.
#include <js_native_api.h>
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "engine.h"

// What NODE_API_MODULE in native/addon/addon.cpp defines.
extern "C" napi_value napi_register_module_v1(napi_env env, napi_value exports);

// Where a napi_value points: a stack of values, each of which the environment owns. A deque, for its items stay where
// they are.
struct napi_env__ {
  JSContext *context;
  std::deque<JSValue> handles;
  struct Function {
    napi_callback callback;
    void *data;
  };
  std::vector<Function> functions;
  JSClassID external_class;
  napi_extended_error_info last;
};

struct napi_callback_info__ {
  JSValueConst self;
  size_t count;
  JSValueConst *arguments;
  void *data;
};

// A reference is always a strong one.
struct napi_ref__ {
  JSValue value;
};

namespace {

struct External {
  void *data;
  napi_finalize finalize;
  void *hint;
  napi_env env;
};

JSValue value_of(napi_value handle) { return *reinterpret_cast<JSValue *>(handle); }

// Does what takes memory from C++; false with an exception pending where there is none. Nothing here throws: its
// callers are C.
template <class Use>
bool with_memory(JSContext *context, Use &&use) {
  try {
    use();
    return true;
  } catch (const std::bad_alloc &) {
    JS_ThrowOutOfMemory(context);
    return false;
  }
}

// Takes over `value`; null with an exception pending where there is no memory.
napi_value push(napi_env env, JSValue value) {
  napi_value handle = nullptr;
  if (!with_memory(env->context, [&] { handle = reinterpret_cast<napi_value>(&env->handles.emplace_back(value)); }))
    JS_FreeValue(env->context, value);
  return handle;
}

void pop_to(napi_env env, size_t count) {
  while (env->handles.size() > count) {
    // Freeing may run a finalizer, which may use the stack itself.
    JSValue last = env->handles.back();
    env->handles.pop_back();
    JS_FreeValue(env->context, last);
  }
}

napi_status tell(napi_env env, napi_status status) {
  env->last = {nullptr, nullptr, 0, status};
  return status;
}

// The end of a function that may have thrown: `value`, which it takes over, is a result or an exception.
napi_status give(napi_env env, JSValue value, napi_value *result) {
  if (JS_IsException(value)) return tell(env, napi_pending_exception);
  *result = push(env, value);
  return tell(env, *result == nullptr ? napi_pending_exception : napi_ok);
}

// What the engine does with 64 bits of a kind of integer.
template <typename Integer>
struct BigInts {
  int (*take)(JSContext *context, Integer *result, JSValueConst value);
  JSValue (*make)(JSContext *context, Integer value);
};

// The engine gives the lowest 64 bits, as Node does; whether they are all is found by making the number anew.
template <typename Integer>
napi_status bigint_of(napi_env env, napi_value handle, BigInts<Integer> kind, Integer *result, bool *lossless) {
  if (!JS_IsBigInt(value_of(handle))) return tell(env, napi_bigint_expected);
  kind.take(env->context, result, value_of(handle));
  JSValue again = kind.make(env->context, *result);
  *lossless = JS_IsStrictEqual(env->context, again, value_of(handle));
  JS_FreeValue(env->context, again);
  return tell(env, napi_ok);
}

// UTF-8 of a string. A lone surrogate has none: as in Node, it becomes U+FFFD, which has as many bytes as the engine
// writes for it.
// False with an exception pending where there is no memory.
bool utf8_of(JSContext *context, JSValueConst value, std::string &bytes) {
  size_t length = 0;
  const char *text = JS_ToCStringLen(context, &length, value);
  if (text == nullptr) return false;
  const bool copied = with_memory(context, [&] { bytes.assign(text, length); });
  JS_FreeCString(context, text);
  runt::engine::replace_surrogates(bytes.data(), bytes.size());
  return copied;
}

JSValue call_native(JSContext *context, JSValueConst self, int count, JSValueConst *arguments, int index,
                    JSValueConst *) {
  auto *env = static_cast<napi_env>(JS_GetContextOpaque(context));
  const auto &function = env->functions[static_cast<size_t>(index)];
  const size_t before = env->handles.size();
  napi_callback_info__ info{self, static_cast<size_t>(count), arguments, function.data};
  // No C++ exception comes out of it: node-addon-api ends the process first, where there is no memory for an error.
  napi_value returned = function.callback(env, &info);
  JSValue result = JS_UNDEFINED;
  if (JS_HasException(context))
    result = JS_EXCEPTION;
  else if (returned != nullptr)
    result = JS_DupValue(context, value_of(returned));
  pop_to(env, before);
  return result;
}

void finalize_external(JSRuntime *runtime, JSValueConst value) {
  JSClassID id = JS_INVALID_CLASS_ID;
  auto *external = static_cast<External *>(JS_GetAnyOpaque(value, &id));
  (void)runtime;
  if (external == nullptr) return;
  if (external->finalize != nullptr) external->finalize(external->env, external->data, external->hint);
  delete external;
}

const JSClassDef kExternalClass = {"External", finalize_external, nullptr, nullptr, nullptr};

// How Node numbers kinds of typed arrays, and how the engine does.
struct ArrayKind {
  napi_typedarray_type node;
  JSTypedArrayEnum engine;
};
constexpr ArrayKind kArrayKinds[] = {
    {napi_int8_array, JS_TYPED_ARRAY_INT8},
    {napi_uint8_array, JS_TYPED_ARRAY_UINT8},
    {napi_uint8_clamped_array, JS_TYPED_ARRAY_UINT8C},
    {napi_int16_array, JS_TYPED_ARRAY_INT16},
    {napi_uint16_array, JS_TYPED_ARRAY_UINT16},
    {napi_int32_array, JS_TYPED_ARRAY_INT32},
    {napi_uint32_array, JS_TYPED_ARRAY_UINT32},
    {napi_float32_array, JS_TYPED_ARRAY_FLOAT32},
    {napi_float64_array, JS_TYPED_ARRAY_FLOAT64},
    {napi_bigint64_array, JS_TYPED_ARRAY_BIG_INT64},
    {napi_biguint64_array, JS_TYPED_ARRAY_BIG_UINT64},
};

// Memory of an ArrayBuffer that native code asked for; of size 0: to be freed.
void *resize(JSRuntime *, void *, void *data, size_t size) {
  if (size != 0) return std::realloc(data, size);
  std::free(data);
  return nullptr;
}

napi_status new_error(napi_env env, JSValue error, napi_value code, napi_value message, napi_value *result) {
  JSContext *context = env->context;
  if (JS_IsException(error)) return tell(env, napi_pending_exception);
  if (!JS_IsString(value_of(message))) {
    JS_FreeValue(context, error);
    return tell(env, napi_string_expected);
  }
  constexpr int kHidden = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;
  if (JS_DefinePropertyValueStr(context, error, "message", JS_DupValue(context, value_of(message)), kHidden) < 0 ||
      (code != nullptr && JS_SetPropertyStr(context, error, "code", JS_DupValue(context, value_of(code))) < 0)) {
    JS_FreeValue(context, error);
    return tell(env, napi_pending_exception);
  }
  return give(env, error, result);
}

} // namespace

namespace runt::engine {

void replace_surrogates(char *text, size_t length) {
  for (size_t at = 0; at + 2 < length; at++)
    if (text[at] == '\xed' && static_cast<unsigned char>(text[at + 1]) >= 0xa0)
      std::copy_n("\xef\xbf\xbd", 3, text + at);
}

namespace {

// How many bytes at the start of `text`, which has some, are one character of UTF-8 (RFC 3629); `whole`: false for the
// longest part of one, which is one byte where none begins so.
size_t character(std::string_view text, bool *whole) {
  const auto lead = static_cast<unsigned char>(text[0]);
  *whole = lead < 0x80;
  if (lead < 0xc2 || lead > 0xf4) return 1;
  const size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  // Nothing that has a shorter form, no surrogate, nothing beyond U+10FFFF.
  unsigned char least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  unsigned char most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (size_t size = 1;; size++) {
    *whole = size == wanted;
    if (size == wanted || size == text.size()) return size;
    const auto next = static_cast<unsigned char>(text[size]);
    if (next < least || next > most) return size;
    least = 0x80;
    most = 0xbf;
  }
}

} // namespace

JSValue new_string(JSContext *context, const char *text, size_t length) {
  const std::string_view bytes(text, length);
  std::string replaced;
  // Up to here `replaced` has all; nothing yet where all is well.
  size_t copied = 0;
  for (size_t at = 0; at < length;) {
    bool whole = true;
    const size_t size = static_cast<unsigned char>(text[at]) < 0x80 ? 1 : character(bytes.substr(at), &whole);
    if (!whole) {
      const std::string_view before = bytes.substr(copied, at - copied);
      if (!with_memory(context, [&] { replaced.append(before).append("\xef\xbf\xbd"); })) return JS_EXCEPTION;
      copied = at + size;
    }
    at += size;
  }
  if (copied == 0) return JS_NewStringLen(context, text, length);
  if (!with_memory(context, [&] { replaced.append(bytes.substr(copied)); })) return JS_EXCEPTION;
  return JS_NewStringLen(context, replaced.data(), replaced.size());
}

JSValue load_addon(JSContext *context) {
  // Lives as long as the process does.
  auto *env = new napi_env__{context, {}, {}, JS_INVALID_CLASS_ID, {}};
  JS_SetContextOpaque(context, env);
  JSRuntime *runtime = JS_GetRuntime(context);
  JS_NewClassID(runtime, &env->external_class);
  if (JS_NewClass(runtime, env->external_class, &kExternalClass) < 0) return JS_ThrowOutOfMemory(context);
  JSValue exports = JS_NewObject(context);
  napi_value handle = JS_IsException(exports) ? nullptr : push(env, JS_DupValue(context, exports));
  // Returns the object that it was given.
  if (handle != nullptr) napi_register_module_v1(env, handle);
  pop_to(env, 0);
  if (!JS_HasException(context)) return exports;
  JS_FreeValue(context, exports);
  return JS_EXCEPTION;
}

} // namespace runt::engine

extern "C" {

// Values.

napi_status napi_get_undefined(napi_env env, napi_value *result) { return give(env, JS_UNDEFINED, result); }

napi_status napi_get_boolean(napi_env env, bool value, napi_value *result) {
  return give(env, JS_NewBool(env->context, value), result);
}

napi_status napi_create_double(napi_env env, double value, napi_value *result) {
  return give(env, JS_NewNumber(env->context, value), result);
}

napi_status napi_create_bigint_uint64(napi_env env, uint64_t value, napi_value *result) {
  return give(env, JS_NewBigUint64(env->context, value), result);
}

napi_status napi_create_string_utf8(napi_env env, const char *text, size_t length, napi_value *result) {
  if (length == NAPI_AUTO_LENGTH) length = std::strlen(text);
  return give(env, runt::engine::new_string(env->context, text, length), result);
}

napi_status napi_create_object(napi_env env, napi_value *result) {
  return give(env, JS_NewObject(env->context), result);
}

napi_status napi_create_array_with_length(napi_env env, size_t length, napi_value *result) {
  JSValue array = JS_NewArray(env->context);
  if (!JS_IsException(array) && JS_SetLength(env->context, array, static_cast<int64_t>(length)) < 0) {
    JS_FreeValue(env->context, array);
    array = JS_EXCEPTION;
  }
  return give(env, array, result);
}

napi_status napi_create_arraybuffer(napi_env env, size_t size, void **data, napi_value *result) {
  // Also of no bytes: an empty buffer has an address.
  void *memory = std::calloc(1, size == 0 ? 1 : size);
  if (memory == nullptr) return tell(env, napi_generic_failure);
  if (data != nullptr) *data = memory;
  JSValue buffer = JS_NewArrayBuffer(env->context, static_cast<uint8_t *>(memory), size, 0, resize, nullptr, false);
  // Only a buffer that was made frees it.
  if (JS_IsException(buffer)) std::free(memory);
  return give(env, buffer, result);
}

napi_status napi_create_typedarray(napi_env env, napi_typedarray_type type, size_t length, napi_value buffer,
                                   size_t offset, napi_value *result) {
  for (const ArrayKind &kind : kArrayKinds) {
    if (kind.node != type) continue;
    JSValueConst arguments[] = {value_of(buffer), JS_NewInt64(env->context, static_cast<int64_t>(offset)),
                                JS_NewInt64(env->context, static_cast<int64_t>(length))};
    return give(env, JS_NewTypedArray(env->context, 3, arguments, kind.engine), result);
  }
  return tell(env, napi_invalid_arg);
}

napi_status napi_create_function(napi_env env, const char *name, size_t length, napi_callback callback, void *data,
                                 napi_value *result) {
  std::string terminated;
  const int index = static_cast<int>(env->functions.size());
  if (!with_memory(env->context, [&] {
        if (name != nullptr) terminated.assign(name, length == NAPI_AUTO_LENGTH ? std::strlen(name) : length);
        env->functions.push_back({callback, data});
      }))
    return tell(env, napi_pending_exception);
  return give(env, JS_NewCFunctionData2(env->context, call_native, terminated.c_str(), 0, index, 0, nullptr), result);
}

napi_status napi_create_external(napi_env env, void *data, napi_finalize finalize, void *hint, napi_value *result) {
  // The data is the caller's until nothing can fail any more.
  const napi_status status = give(env, JS_NewObjectClass(env->context, env->external_class), result);
  if (status != napi_ok) return status;
  auto *external = new (std::nothrow) External{data, finalize, hint, env};
  if (external == nullptr) return tell(env, napi_generic_failure);
  JS_SetOpaque(value_of(*result), external);
  return napi_ok;
}

napi_status napi_create_error(napi_env env, napi_value code, napi_value message, napi_value *result) {
  return new_error(env, JS_NewError(env->context), code, message, result);
}

napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message, napi_value *result) {
  return new_error(env, JS_NewTypeError(env->context, "%s", ""), code, message, result);
}

napi_status napi_typeof(napi_env env, napi_value handle, napi_valuetype *result) {
  JSValue value = value_of(handle);
  if (JS_IsUndefined(value))
    *result = napi_undefined;
  else if (JS_IsNull(value))
    *result = napi_null;
  else if (JS_IsBool(value))
    *result = napi_boolean;
  else if (JS_IsNumber(value))
    *result = napi_number;
  else if (JS_IsString(value))
    *result = napi_string;
  else if (JS_IsSymbol(value))
    *result = napi_symbol;
  else if (JS_IsBigInt(value))
    *result = napi_bigint;
  else if (JS_IsFunction(env->context, value))
    *result = napi_function;
  else if (JS_GetClassID(value) == env->external_class)
    *result = napi_external;
  else
    *result = napi_object;
  return tell(env, napi_ok);
}

napi_status napi_get_value_bool(napi_env env, napi_value handle, bool *result) {
  if (!JS_IsBool(value_of(handle))) return tell(env, napi_boolean_expected);
  *result = JS_ToBool(env->context, value_of(handle)) == 1;
  return tell(env, napi_ok);
}

napi_status napi_get_value_double(napi_env env, napi_value handle, double *result) {
  if (!JS_IsNumber(value_of(handle))) return tell(env, napi_number_expected);
  JS_ToFloat64(env->context, result, value_of(handle));
  return tell(env, napi_ok);
}

napi_status napi_get_value_int64(napi_env env, napi_value handle, int64_t *result) {
  double number = 0;
  const napi_status status = napi_get_value_double(env, handle, &number);
  if (status != napi_ok) return status;
  // 2^63 is the first number that does not fit.
  constexpr double kEnd = 9223372036854775808.0;
  if (!std::isfinite(number))
    *result = 0;
  else if (number >= kEnd)
    *result = INT64_MAX;
  else if (number < -kEnd)
    *result = INT64_MIN;
  else
    *result = static_cast<int64_t>(number);
  return napi_ok;
}

napi_status napi_get_value_bigint_int64(napi_env env, napi_value handle, int64_t *result, bool *lossless) {
  return bigint_of(env, handle, BigInts<int64_t>{JS_ToBigInt64, JS_NewBigInt64}, result, lossless);
}

napi_status napi_get_value_bigint_uint64(napi_env env, napi_value handle, uint64_t *result, bool *lossless) {
  return bigint_of(env, handle, BigInts<uint64_t>{JS_ToBigUint64, JS_NewBigUint64}, result, lossless);
}

napi_status napi_get_value_string_utf8(napi_env env, napi_value handle, char *buffer, size_t size, size_t *result) {
  if (!JS_IsString(value_of(handle))) return tell(env, napi_string_expected);
  std::string text;
  if (!utf8_of(env->context, value_of(handle), text)) return tell(env, napi_pending_exception);
  if (buffer == nullptr) {
    *result = text.size();
    return tell(env, napi_ok);
  }
  if (size == 0) return tell(env, napi_invalid_arg);
  const size_t copied = text.size() < size - 1 ? text.size() : size - 1;
  std::memcpy(buffer, text.data(), copied);
  buffer[copied] = 0;
  if (result != nullptr) *result = copied;
  return tell(env, napi_ok);
}

napi_status napi_get_value_external(napi_env env, napi_value handle, void **result) {
  auto *external = static_cast<External *>(JS_GetOpaque(value_of(handle), env->external_class));
  if (external == nullptr) return tell(env, napi_invalid_arg);
  *result = external->data;
  return tell(env, napi_ok);
}

napi_status napi_coerce_to_string(napi_env env, napi_value handle, napi_value *result) {
  return give(env, JS_ToString(env->context, value_of(handle)), result);
}

// Objects.

napi_status napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value) {
  const int done = JS_SetPropertyStr(env->context, value_of(object), name, JS_DupValue(env->context, value_of(value)));
  return tell(env, done < 0 ? napi_pending_exception : napi_ok);
}

napi_status napi_get_named_property(napi_env env, napi_value object, const char *name, napi_value *result) {
  return give(env, JS_GetPropertyStr(env->context, value_of(object), name), result);
}

napi_status napi_get_property(napi_env env, napi_value object, napi_value key, napi_value *result) {
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  if (atom == JS_ATOM_NULL) return tell(env, napi_pending_exception);
  JSValue value = JS_GetProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  return give(env, value, result);
}

napi_status napi_has_property(napi_env env, napi_value object, napi_value key, bool *result) {
  if (!JS_IsObject(value_of(object))) return tell(env, napi_object_expected);
  JSAtom atom = JS_ValueToAtom(env->context, value_of(key));
  if (atom == JS_ATOM_NULL) return tell(env, napi_pending_exception);
  const int found = JS_HasProperty(env->context, value_of(object), atom);
  JS_FreeAtom(env->context, atom);
  *result = found > 0;
  return tell(env, found < 0 ? napi_pending_exception : napi_ok);
}

napi_status napi_define_properties(napi_env env, napi_value object, size_t count,
                                   const napi_property_descriptor *properties) {
  for (size_t index = 0; index < count; index++) {
    const napi_property_descriptor &property = properties[index];
    // Only values: the addon has no accessors.
    if (property.value == nullptr) return tell(env, napi_invalid_arg);
    JSAtom atom = property.utf8name != nullptr ? JS_NewAtom(env->context, property.utf8name)
                                               : JS_ValueToAtom(env->context, value_of(property.name));
    if (atom == JS_ATOM_NULL) return tell(env, napi_pending_exception);
    int flags = 0;
    if ((property.attributes & napi_writable) != 0) flags |= JS_PROP_WRITABLE;
    if ((property.attributes & napi_enumerable) != 0) flags |= JS_PROP_ENUMERABLE;
    if ((property.attributes & napi_configurable) != 0) flags |= JS_PROP_CONFIGURABLE;
    const int done = JS_DefinePropertyValue(env->context, value_of(object), atom,
                                            JS_DupValue(env->context, value_of(property.value)), flags);
    JS_FreeAtom(env->context, atom);
    if (done < 0) return tell(env, napi_pending_exception);
  }
  return tell(env, napi_ok);
}

napi_status napi_is_array(napi_env env, napi_value handle, bool *result) {
  *result = JS_IsArray(value_of(handle));
  return tell(env, napi_ok);
}

napi_status napi_get_array_length(napi_env env, napi_value array, uint32_t *result) {
  int64_t length = 0;
  if (JS_GetLength(env->context, value_of(array), &length) < 0) return tell(env, napi_pending_exception);
  *result = static_cast<uint32_t>(length);
  return tell(env, napi_ok);
}

napi_status napi_get_element(napi_env env, napi_value array, uint32_t index, napi_value *result) {
  return give(env, JS_GetPropertyUint32(env->context, value_of(array), index), result);
}

napi_status napi_set_element(napi_env env, napi_value array, uint32_t index, napi_value value) {
  const int done =
      JS_SetPropertyUint32(env->context, value_of(array), index, JS_DupValue(env->context, value_of(value)));
  return tell(env, done < 0 ? napi_pending_exception : napi_ok);
}

napi_status napi_get_arraybuffer_info(napi_env env, napi_value handle, void **data, size_t *size) {
  size_t length = 0;
  uint8_t *bytes = JS_GetArrayBuffer(env->context, &length, value_of(handle));
  if (data != nullptr) *data = bytes;
  if (size != nullptr) *size = length;
  return tell(env, napi_ok);
}

napi_status napi_is_typedarray(napi_env env, napi_value handle, bool *result) {
  *result = JS_GetTypedArrayType(value_of(handle)) >= 0;
  return tell(env, napi_ok);
}

napi_status napi_get_typedarray_info(napi_env env, napi_value handle, napi_typedarray_type *type, size_t *length,
                                     void **data, napi_value *buffer, size_t *offset) {
  const int kind = JS_GetTypedArrayType(value_of(handle));
  if (kind < 0) return tell(env, napi_invalid_arg);
  size_t start = 0, size = 0, width = 1;
  JSValue memory = JS_GetTypedArrayBuffer(env->context, value_of(handle), &start, &size, &width);
  // Of a buffer that was taken away there is nothing.
  if (JS_IsException(memory)) return tell(env, napi_pending_exception);
  if (type != nullptr)
    for (const ArrayKind &known : kArrayKinds)
      if (known.engine == kind) *type = known.node;
  if (length != nullptr) *length = size / width;
  if (offset != nullptr) *offset = start;
  if (data != nullptr) {
    size_t whole = 0;
    uint8_t *bytes = JS_GetArrayBuffer(env->context, &whole, memory);
    *data = bytes == nullptr ? nullptr : bytes + start;
  }
  if (buffer != nullptr) return give(env, memory, buffer);
  JS_FreeValue(env->context, memory);
  return tell(env, napi_ok);
}

// Calls and errors.

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t *count, napi_value *arguments,
                             napi_value *self, void **data) {
  if (arguments != nullptr) {
    for (size_t index = 0; index < *count; index++) {
      JSValue argument = index < info->count ? JS_DupValue(env->context, info->arguments[index]) : JS_UNDEFINED;
      arguments[index] = push(env, argument);
      if (arguments[index] == nullptr) return tell(env, napi_pending_exception);
    }
  }
  if (count != nullptr) *count = info->count;
  if (data != nullptr) *data = info->data;
  if (self != nullptr) return give(env, JS_DupValue(env->context, info->self), self);
  return tell(env, napi_ok);
}

napi_status napi_throw(napi_env env, napi_value error) {
  JS_Throw(env->context, JS_DupValue(env->context, value_of(error)));
  return tell(env, napi_ok);
}

napi_status napi_is_exception_pending(napi_env env, bool *result) {
  // What was told last is left as it is: node-addon-api asks for it afterwards.
  *result = JS_HasException(env->context);
  return napi_ok;
}

napi_status napi_get_and_clear_last_exception(napi_env env, napi_value *result) {
  return give(env, JS_HasException(env->context) ? JS_GetException(env->context) : JS_UNDEFINED, result);
}

napi_status napi_get_last_error_info(napi_env env, const napi_extended_error_info **result) {
  static const char *const kMessages[] = {
      nullptr,
      "Invalid argument",
      "An object was expected",
      "A string was expected",
      "A name expected",
      "A function was expected",
      "A number was expected",
      "A boolean was expected",
      "An array was expected",
      "Unknown failure",
      "An exception is pending",
  };
  const auto code = static_cast<size_t>(env->last.error_code);
  env->last.error_message = code < sizeof kMessages / sizeof *kMessages ? kMessages[code] : "Invalid argument";
  *result = &env->last;
  return napi_ok;
}

void napi_fatal_error(const char *location, size_t, const char *message, size_t) {
  std::fprintf(stderr, "runt: %s: %s\n", location == nullptr ? "native code" : location, message);
  std::abort();
}

// How long values live.

napi_status napi_create_reference(napi_env env, napi_value handle, uint32_t, napi_ref *result) {
  *result = new (std::nothrow) napi_ref__{value_of(handle)};
  if (*result == nullptr) return tell(env, napi_generic_failure);
  JS_DupValue(env->context, value_of(handle));
  return tell(env, napi_ok);
}

napi_status napi_get_reference_value(napi_env env, napi_ref reference, napi_value *result) {
  return give(env, JS_DupValue(env->context, reference->value), result);
}

napi_status napi_delete_reference(napi_env env, napi_ref reference) {
  JS_FreeValue(env->context, reference->value);
  delete reference;
  return tell(env, napi_ok);
}

napi_status napi_open_handle_scope(napi_env env, napi_handle_scope *result) {
  // Never a null pointer.
  *result = reinterpret_cast<napi_handle_scope>(env->handles.size() + 1);
  return napi_ok;
}

napi_status napi_close_handle_scope(napi_env env, napi_handle_scope scope) {
  pop_to(env, reinterpret_cast<size_t>(scope) - 1);
  return napi_ok;
}

// The place for what escapes is the last one of the outer scope.
napi_status napi_open_escapable_handle_scope(napi_env env, napi_escapable_handle_scope *result) {
  if (push(env, JS_UNDEFINED) == nullptr) return tell(env, napi_pending_exception);
  *result = reinterpret_cast<napi_escapable_handle_scope>(env->handles.size());
  return napi_ok;
}

napi_status napi_close_escapable_handle_scope(napi_env env, napi_escapable_handle_scope scope) {
  pop_to(env, reinterpret_cast<size_t>(scope));
  return napi_ok;
}

napi_status napi_escape_handle(napi_env env, napi_escapable_handle_scope scope, napi_value handle, napi_value *result) {
  JSValue &place = env->handles[reinterpret_cast<size_t>(scope) - 1];
  place = JS_DupValue(env->context, value_of(handle));
  *result = reinterpret_cast<napi_value>(&place);
  return tell(env, napi_ok);
}

} // extern "C"
