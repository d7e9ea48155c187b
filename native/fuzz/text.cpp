// Strings and numbers between JavaScript and native code: TextDecoder, TextEncoder, and arguments of the addon.
#include <algorithm>
#include <cmath>

#include "common/engine.h"

namespace {

using runt::fuzz::Engine;

// check(value): takes it as every kind of argument.
Napi::Value check(const Napi::CallbackInfo &info) {
  const runt::Arguments args(info);
  const auto as = [&](auto take) {
    try {
      take();
      return true;
    } catch (const Napi::TypeError &) {
      return false;
    } catch (const Napi::Error &error) {
      return error.Message() != "" && false;
    }
  };
  as([&] {
    const int64_t number = args.integer(0, "value", INT32_MIN, INT64_C(1) << 53);
    if (number < INT32_MIN || number > INT64_C(1) << 53) Engine::fault("integer out of range");
  });
  as([&] { args.fd(0, "value"); });
  as([&] { args.word(0, "value"); });
  as([&] { args.boolean(0, "value"); });
  as([&] {
    if (args.string(0, "value").find('\0') != std::string::npos) Engine::fault("NUL in a string");
  });
  as([&] { args.bytes(0, "value"); });
  as([&] {
    for (const int fd : args.fds(0, "value"))
      if (fd < 0) Engine::fault("negative descriptor");
  });
  as([&] { args.strings(0, "value"); });
  return info.Env().Undefined();
}

Napi::Value same(const Napi::CallbackInfo &info) {
  return Napi::String::New(info.Env(), runt::Arguments(info).text(0, "text"));
}

// The Encoding Standard, "UTF-8 decoder": U+FFFD for each maximal part of what is none.
std::string decoded(std::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at]);
    if (lead < 0x80) {
      text += bytes[at++];
      continue;
    }
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    unsigned char least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    size_t size = 1;
    const bool begins = lead >= 0xc2 && lead <= 0xf4;
    for (; begins && size <= more && at + size < bytes.size(); size++) {
      const auto next = static_cast<unsigned char>(bytes[at + size]);
      if (next < least || next > most) break;
      least = 0x80;
      most = 0xbf;
    }
    if (begins && size == more + 1)
      text += bytes.substr(at, size);
    else
      text += "\xef\xbf\xbd";
    at += size;
  }
  return text;
}

std::string bytes_of(Engine &engine, JSValue array) {
  size_t size = 0;
  const uint8_t *bytes = JS_GetUint8Array(engine.context(), &size, array);
  if (bytes == nullptr) Engine::fault("no bytes");
  return {reinterpret_cast<const char *>(bytes), size};
}

} // namespace

void runt::fuzz::bind_functions(Napi::Object exports) {
  bind<check>(exports, "check");
  bind<same>(exports, "same");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Engine engine;
  if (size < 1) return 0;
  JSContext *context = engine.context();
  const std::string_view input(reinterpret_cast<const char *>(data) + 1, size - 1);
  std::string expected = decoded(input);
  if (expected.starts_with("\xef\xbb\xbf")) expected.erase(0, 3);

  JSValue text = engine.call_global("TextDecoder", "decode", {engine.bytes(input)});
  JSValue encoded = engine.call_global("TextEncoder", "encode", {JS_DupValue(context, text)});
  if (bytes_of(engine, encoded) != expected) Engine::fault("decoded otherwise");
  JSValue echoed = engine.call("same", {JS_DupValue(context, text)});
  if (!JS_IsStrictEqual(context, echoed, text)) Engine::fault("another string came back");
  engine.free({encoded, echoed});

  // As much as fits, in whole characters.
  JSValue target = engine.bytes(std::string(data[0], 'x'));
  JSValue told =
      engine.call_global("TextEncoder", "encodeInto", {JS_DupValue(context, text), JS_DupValue(context, target)});
  const auto written = static_cast<size_t>(engine.number_at(told, "written"));
  if (written > data[0] || bytes_of(engine, target).substr(0, written) != expected.substr(0, written) ||
      decoded(expected.substr(0, written)) != expected.substr(0, written) ||
      (written < expected.size() && data[0] - written >= 4))
    Engine::fault("encodeInto");
  engine.free({told, target});

  engine.free({engine.call("check", {JS_DupValue(context, text)})});
  // JSON as an argument.
  const std::string json(input);
  JSValue value = JS_ParseJSON(context, json.c_str(), json.size(), "input");
  if (JS_IsException(value))
    JS_FreeValue(context, JS_GetException(context));
  else
    engine.free({engine.call("check", {value})});
  engine.free({text});
  return 0;
}
