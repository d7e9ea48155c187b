// Lists of processes and threads in the files of a cgroup.
#include <cmath>

#include "common/engine.h"
#include "common/private.h"

void runt::fuzz::bind_functions(Napi::Object exports) { bind_cgroups(exports); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using runt::fuzz::Engine;
  static const bool prepared = [] {
    runt::fuzz::private_tmp();
    runt::fuzz::make_directory("/tmp/c");
    runt::fuzz::make_directory("/tmp/c/child");
    return true;
  }();
  static Engine engine;
  (void)prepared;
  runt::fuzz::write_file("/tmp/c/child/cgroup.procs", {reinterpret_cast<const char *>(data), size});
  JSValue tasks = engine.call("cgroupTasksBelow", {engine.string("/tmp/c")});
  if (JS_IsUndefined(tasks)) return 0;
  JSValue processes = engine.property(tasks, "processes");
  int64_t length = 0;
  JS_GetLength(engine.context(), processes, &length);
  for (int64_t i = 0; i < length; i++) {
    JSValue item = JS_GetPropertyInt64(engine.context(), processes, i);
    double number = 0;
    if (JS_ToFloat64(engine.context(), &number, item) != 0 || !(number >= 0 && number <= INT32_MAX))
      Engine::fault("a number that no process has");
  }
  engine.free({tasks, processes});
  return 0;
}
