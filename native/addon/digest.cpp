// sha256(text). A cryptography module of the engine would cost more to load than the rest of a command takes.
#include "binding.h"
#include "sha256.h"

namespace runt {

namespace {

Napi::Value sha256(const Napi::CallbackInfo &info) {
  const std::string text = Arguments(info).text(0, "text");
  Sha256 digest;
  digest.update(text.data(), text.size());
  return Napi::String::New(info.Env(), digest.finish());
}

} // namespace

void bind_digest(Napi::Object exports) { bind<sha256>(exports, "sha256"); }

} // namespace runt
