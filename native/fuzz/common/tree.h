// A root for fuzzers that make trees, on a file system of its own, and what must stay as it is beside it.
// allow path in this file: the fuzzer’s own, in a mount namespace of its own
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "../../addon/archive_intake.h"
#include "../../addon/failure.h"
#include "../../addon/unpack_tree.h"
#include "private.h"

namespace runt::fuzz {

namespace files = std::filesystem;

class Bench {
 public:
  // Needs root. The mount namespace is this process's own.
  Bench() {
    private_tmp();
    make_directory(kBase);
    make_directory(kOutside);
    write_file(kCanary, "x");
    ::umask(0);
    before_ = of_outside();
  }

  // A tree in an empty root, which is wiped afterwards; then looks whether anything else changed.
  template <class Use>
  void run(Use &&use) {
    if (::mkdir(kRoot, 0755) != 0) give_up("mkdir");
    {
      Fd root(::open(kRoot, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!root.valid()) give_up("open");
      try {
        LayerTree tree(std::move(root), true, Rights::kAll);
        use(tree);
      } catch (const Refused &) {
      } catch (const SystemFailure &) {
      }
    }
    if (of_outside() != before_) give_up("something outside of the root changed");
    for (const auto &entry : files::directory_iterator(kBase))
      if (entry.path() != kRoot && entry.path() != kOutside) give_up("something beside the root was made");
    files::remove_all(kRoot);
  }

 private:
  static constexpr const char *kBase = "/tmp/base";
  static constexpr const char *kRoot = "/tmp/base/root";
  static constexpr const char *kOutside = "/tmp/base/outside";
  static constexpr const char *kCanary = "/tmp/base/outside/canary";

  static std::string of(const char *path) {
    struct stat status;
    if (::lstat(path, &status) != 0) give_up(path);
    std::string text;
    for (const auto number :
         {static_cast<uint64_t>(status.st_mode), static_cast<uint64_t>(status.st_uid),
          static_cast<uint64_t>(status.st_nlink), static_cast<uint64_t>(status.st_size),
          static_cast<uint64_t>(status.st_mtim.tv_nsec), static_cast<uint64_t>(status.st_ctim.tv_sec),
          static_cast<uint64_t>(status.st_ctim.tv_nsec)})
      text += std::to_string(number) + " ";
    return text;
  }
  static std::string of_outside() { return of(kOutside) + of(kCanary); }

  std::string before_;
};

// Acts on records as `unpack` does, until they end or are refused.
inline void act(Taker &taker, std::string_view bytes, uint64_t tar) {
  Intake intake(taker, 2000);
  RecordReader reader;
  Record record;
  for (;;) {
    while (reader.next(record)) {
      if (record.kind == RecordKind::End || record.kind == RecordKind::Refused) return;
      intake.receive(record, tar);
    }
    if (bytes.empty()) return;
    const std::span<char> room = reader.room();
    const size_t size = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), size, room.data());
    reader.filled(size);
    bytes.remove_prefix(size);
  }
}

} // namespace runt::fuzz
