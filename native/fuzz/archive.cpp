// The whole way of a layer: decompressed, parsed, handed over as records, checked and made a tree of, in one process.
#include "../addon/archive.h"

#include <cstdint>
#include <cstring>

#include "../addon/archive_parser.h"
#include "common/tree.h"

namespace {

// Of tar.
constexpr size_t kMost = size_t{4} << 20;

runt::Source from(std::string_view &bytes) {
  return [&bytes](void *buffer, size_t size) {
    const size_t got = std::min({size, bytes.size(), size_t{4096}});
    if (got > 0) std::memcpy(buffer, bytes.data(), got);
    bytes.remove_prefix(got);
    return static_cast<ssize_t>(got);
  };
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static runt::fuzz::Bench bench;
  runt::archive_library();
  const runt::PlainNames names;
  std::string tar;
  try {
    std::string_view source(reinterpret_cast<const char *>(data), size);
    if (runt::may_be_compressed(source)) {
      runt::decompress(from(source), [&](std::string_view plain) {
        if (plain.size() > kMost - tar.size()) throw runt::Refused{"bytes", "", ""};
        tar.append(plain);
      });
    } else {
      tar = source;
    }
  } catch (const runt::Refused &) {
    // What came before it is acted on, too.
  }
  std::string records;
  std::string_view rest = tar;
  runt::parse_tar(
      from(rest), [&](std::string_view more) { records.append(more); }, true);
  bench.run([&](runt::LayerTree &tree) {
    runt::fuzz::act(tree, records, tar.size());
    tree.finish();
  });
  return 0;
}
