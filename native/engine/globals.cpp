// What modules find in the global scope: the language's own objects as far as they are used (no eval, no Function
// constructor), and TextEncoder and TextDecoder (encoding.spec.whatwg.org) for UTF-8.
#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "engine.h"

namespace runt::engine {

namespace {

// UTF-8 of the string `value`; false with an exception pending where there is no memory.
bool encode_utf8(JSContext *context, JSValueConst value, std::string &bytes) {
  size_t length = 0;
  const char *text = JS_ToCStringLen(context, &length, value);
  if (text == nullptr) return false;
  bytes.assign(text, length);
  JS_FreeCString(context, text);
  replace_surrogates(bytes.data(), bytes.size());
  return true;
}

// No C++ exception may cross the engine, which is C.
template <JSCFunction *F>
JSValue guarded(JSContext *context, JSValueConst self, int count, JSValueConst *arguments) {
  try {
    return F(context, self, count, arguments);
  } catch (const std::bad_alloc &) {
    return JS_ThrowOutOfMemory(context);
  }
}

// encode(text): Uint8Array
JSValue encode(JSContext *context, JSValueConst, int count, JSValueConst *arguments) {
  std::string bytes;
  if (count > 0 && !JS_IsUndefined(arguments[0]) && !encode_utf8(context, arguments[0], bytes)) return JS_EXCEPTION;
  return JS_NewUint8ArrayCopy(context, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

// How many bytes of UTF-8 fit into `room`, whole characters only.
size_t whole_characters(const std::string &bytes, size_t room) {
  size_t end = bytes.size() < room ? bytes.size() : room;
  while (end < bytes.size() && end > 0 && (static_cast<unsigned char>(bytes[end]) & 0xc0) == 0x80) end--;
  return end;
}

// Code units of UTF-16 in so many bytes of UTF-8.
size_t code_units(const std::string &bytes, size_t end) {
  size_t units = 0;
  for (size_t at = 0; at < end; at++) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

// encodeInto(text, target): {read, written}
JSValue encode_into(JSContext *context, JSValueConst, int count, JSValueConst *arguments) {
  if (count < 2) return JS_ThrowTypeError(context, "encodeInto needs a text and a Uint8Array");
  std::string bytes;
  if (!encode_utf8(context, arguments[0], bytes)) return JS_EXCEPTION;
  size_t room = 0;
  uint8_t *target = JS_GetUint8Array(context, &room, arguments[1]);
  if (target == nullptr) return JS_EXCEPTION;
  const size_t written = whole_characters(bytes, room);
  std::copy_n(bytes.begin(), written, target);
  JSValue result = JS_NewObject(context);
  if (JS_IsException(result)) return result;
  const auto read = static_cast<int64_t>(code_units(bytes, written));
  if (JS_SetPropertyStr(context, result, "read", JS_NewInt64(context, read)) >= 0 &&
      JS_SetPropertyStr(context, result, "written", JS_NewInt64(context, static_cast<int64_t>(written))) >= 0)
    return result;
  JS_FreeValue(context, result);
  return JS_EXCEPTION;
}

// decode(bytes): string. What is no UTF-8 becomes U+FFFD.
JSValue decode(JSContext *context, JSValueConst self, int count, JSValueConst *arguments) {
  JSValue keeps_mark = JS_GetPropertyStr(context, self, "ignoreBOM");
  if (JS_IsException(keeps_mark)) return keeps_mark;
  const bool strips_mark = JS_ToBool(context, keeps_mark) == 0;
  JS_FreeValue(context, keeps_mark);
  size_t size = 0;
  const uint8_t *bytes = nullptr;
  if (count > 0 && !JS_IsUndefined(arguments[0])) {
    bytes = JS_GetUint8Array(context, &size, arguments[0]);
    if (bytes == nullptr) return JS_EXCEPTION;
  }
  if (size == 0) return JS_NewStringLen(context, "", 0);
  const size_t skipped = strips_mark && size >= 3 && std::memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  return new_string(context, reinterpret_cast<const char *>(bytes + skipped), size - skipped);
}

const JSCFunctionListEntry kEncoder[] = {JS_CFUNC_DEF("encode", 1, guarded<encode>),
                                         JS_CFUNC_DEF("encodeInto", 2, guarded<encode_into>)};
const JSCFunctionListEntry kDecoder[] = {JS_CFUNC_DEF("decode", 1, guarded<decode>)};

// An object with these functions.
template <size_t Count>
JSValue object_with(JSContext *context, const JSCFunctionListEntry (&functions)[Count]) {
  JSValue object = JS_NewObject(context);
  if (JS_IsException(object) || JS_SetPropertyFunctionList(context, object, functions, Count) >= 0) return object;
  JS_FreeValue(context, object);
  return JS_EXCEPTION;
}

JSValue new_encoder(JSContext *context, JSValueConst, int, JSValueConst *) { return object_with(context, kEncoder); }

// new TextDecoder('utf-8', {ignoreBOM})
JSValue new_decoder(JSContext *context, JSValueConst, int count, JSValueConst *arguments) {
  JSValue object = object_with(context, kDecoder);
  if (JS_IsException(object) || count < 2 || !JS_IsObject(arguments[1])) return object;
  JSValue keeps_mark = JS_GetPropertyStr(context, arguments[1], "ignoreBOM");
  if (!JS_IsException(keeps_mark) && JS_SetPropertyStr(context, object, "ignoreBOM", keeps_mark) >= 0) return object;
  JS_FreeValue(context, object);
  return JS_EXCEPTION;
}

} // namespace

bool add_globals(JSContext *context) {
  if (JS_AddIntrinsicBaseObjects(context) < 0 || JS_AddIntrinsicDate(context) < 0 ||
      JS_AddIntrinsicRegExp(context) < 0 || JS_AddIntrinsicJSON(context) < 0 || JS_AddIntrinsicProxy(context) < 0 ||
      JS_AddIntrinsicMapSet(context) < 0 || JS_AddIntrinsicTypedArrays(context) < 0 ||
      JS_AddIntrinsicPromise(context) < 0 || JS_AddIntrinsicBigInt(context) < 0)
    return false;
  JS_AddIntrinsicRegExpCompiler(context);
  JSValue global = JS_GetGlobalObject(context);
  const auto add = [&](JSCFunction *make, const char *name) {
    JSValue function = JS_NewCFunction2(context, make, name, 0, JS_CFUNC_constructor, 0);
    return !JS_IsException(function) && JS_SetPropertyStr(context, global, name, function) >= 0;
  };
  const bool added = add(new_encoder, "TextEncoder") && add(new_decoder, "TextDecoder");
  JS_FreeValue(context, global);
  return added;
}

} // namespace runt::engine
