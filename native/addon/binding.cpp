// Errors and arguments between JavaScript and the bindings.
#include "binding.h"

#include <cmath>
#include <cstring>

namespace runt {

namespace {

// `ENOENT`; for a number that libc does not know, `E<number>`.
std::string code_of(int error) {
  const char *name = strerrorname_np(error);
  return name != nullptr ? name : "E" + std::to_string(error);
}

std::string described(const Napi::Value &value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return "a boolean";
    case napi_number:
      return value.ToString().Utf8Value();
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_object:
      return "an object";
    case napi_function:
      return "a function";
    case napi_external:
      return "an external value";
    case napi_bigint:
      return "a bigint";
  }
  return "something else";
}

} // namespace

void throw_to_javascript(Napi::Env env, const SystemFailure &failure) {
  std::string code = code_of(failure.error);
  std::string message = std::string(failure.syscall) + (failure.path.empty() ? "" : " " + failure.path) + ": " + code;
  Napi::Error error = Napi::Error::New(env, message);
  Napi::Object facts = error.Value();
  facts.Set("code", code);
  facts.Set("errno", failure.error);
  facts.Set("syscall", failure.syscall);
  if (!failure.path.empty()) facts.Set("path", failure.path);
  throw error;
}

void throw_type_error(Napi::Env env, const std::string &message) { throw Napi::TypeError::New(env, message); }

void throw_unexpected(Napi::Env env, const char *what) {
  throw Napi::Error::New(env, std::string("native code failed: ") + what);
}

Napi::Value Arguments::value(size_t index, const char *name) const {
  if (index >= info_.Length()) refuse(name, "must be given");
  return info_[index];
}

void Arguments::refuse(const char *name, const std::string &wanted) const {
  throw_type_error(info_.Env(), std::string("argument '") + name + "' " + wanted);
}

int64_t Arguments::integer(size_t index, const char *name, int64_t least, int64_t most) const {
  Napi::Value given = value(index, name);
  double number = given.IsNumber() ? given.As<Napi::Number>().DoubleValue() : NAN;
  if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most)) || number != std::floor(number)) {
    refuse(name, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", not " +
                     described(given));
  }
  return static_cast<int64_t>(number);
}

uint64_t Arguments::word(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  bool lossless = false;
  const uint64_t number = given.IsBigInt() ? given.As<Napi::BigInt>().Uint64Value(&lossless) : 0;
  if (!lossless) refuse(name, "must be a bigint from 0 to 2^64 - 1, not " + described(given));
  return number;
}

bool Arguments::boolean(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  if (!given.IsBoolean()) refuse(name, "must be a boolean, not " + described(given));
  return given.As<Napi::Boolean>().Value();
}

std::string Arguments::text(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  if (!given.IsString()) refuse(name, "must be a string, not " + described(given));
  return given.As<Napi::String>().Utf8Value();
}

std::string Arguments::string(size_t index, const char *name) const {
  std::string given = text(index, name);
  if (given.find('\0') != std::string::npos) refuse(name, "must not contain a NUL");
  return given;
}

std::string Arguments::path(size_t index, const char *name) const {
  std::string given = string(index, name);
  if (given.empty()) refuse(name, "must not be empty");
  return given;
}

Arguments::Bytes Arguments::bytes(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    refuse(name, "must be a Uint8Array, not " + described(given));
  }
  auto array = given.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

std::vector<int> Arguments::fds(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  if (!given.IsArray()) refuse(name, "must be an array, not " + described(given));
  auto array = given.As<Napi::Array>();
  if (array.Length() > 65536) refuse(name, "is too long");
  std::vector<int> fds;
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array[i];
    double number = item.IsNumber() ? item.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= INT32_MAX) || number != std::floor(number)) {
      refuse(name, "must hold descriptors, not " + described(item));
    }
    fds.push_back(static_cast<int>(number));
  }
  return fds;
}

std::vector<std::string> Arguments::strings(size_t index, const char *name) const {
  Napi::Value given = value(index, name);
  if (!given.IsArray()) refuse(name, "must be an array, not " + described(given));
  auto array = given.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array[i];
    if (!item.IsString()) refuse(name, "must hold strings, not " + described(item));
    strings.push_back(item.As<Napi::String>().Utf8Value());
    if (strings.back().find('\0') != std::string::npos) refuse(name, "must not contain a NUL");
  }
  return strings;
}

} // namespace runt
