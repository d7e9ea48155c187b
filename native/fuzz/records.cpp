// Records of a parser that was taken over: it may say anything, and nothing of it may do harm.
#include <cstdint>

#include "common/tree.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static runt::fuzz::Bench bench;
  bench.run([&](runt::LayerTree &tree) {
    runt::fuzz::act(tree, {reinterpret_cast<const char *>(data), size}, size);
    tree.finish();
  });
  return 0;
}
