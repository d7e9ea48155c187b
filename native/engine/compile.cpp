// Runs when runt is built: `compile OUTPUT DIRECTORY FILE…` compiles JavaScript modules to bytecode, in the form that
// engine.h describes. Source texts are left out.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "engine.h"

namespace {

[[noreturn]] void fail(const std::string &what) {
  std::cerr << "compile: " << what << "\n";
  std::exit(1);
}

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) fail("cannot read " + path);
  return text.str();
}

void put(std::ostream &output, uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) output.put(static_cast<char>(number >> shift & 0xff));
}

std::string compile(JSContext *context, const std::string &name, const std::string &text) {
  JSValue module =
      JS_Eval(context, text.c_str(), text.size(), name.c_str(), JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(module)) {
    const char *message = JS_ToCString(context, JS_GetException(context));
    fail(name + ": " + (message == nullptr ? "?" : message));
  }
  size_t size = 0;
  uint8_t *code = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
  if (code == nullptr) fail(name + ": cannot be written");
  std::string bytes(reinterpret_cast<char *>(code), size);
  js_free(context, code);
  // The engine looks for no checksum where this stands: the bytes lie in the executable, and every start would count
  // them.
  bytes.replace(1, 4, "\xff\xff\xff\xff");
  return bytes;
}

// What a module imports is compiled by itself.
JSModuleDef *stand_in(JSContext *context, const char *name, void *) {
  return JS_NewCModule(context, name, [](JSContext *, JSModuleDef *) { return 0; });
}

} // namespace

int main(int count, char **arguments) {
  if (count < 4) fail("usage: compile OUTPUT DIRECTORY FILE…");
  std::ofstream output(arguments[1], std::ios::binary);
  for (int index = 3; index < count; index++) {
    // A runtime of its own for each: no module knows of another one.
    JSRuntime *runtime = JS_NewRuntime();
    JSContext *context = JS_NewContext(runtime);
    JS_SetModuleLoaderFunc(runtime, nullptr, stand_in, nullptr);
    const std::string name = arguments[index];
    const std::string code = compile(context, name, read(std::string(arguments[2]) + "/" + name));
    put(output, static_cast<uint32_t>(name.size()));
    put(output, static_cast<uint32_t>(code.size()));
    output << name << '\0' << code;
  }
  output.close();
  if (!output) fail(std::string("cannot write ") + arguments[1]);
}
