// An entry of an archive, as the process that parses it (archive_parser.h) hands it to the one that acts on it.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace runt {

struct Entry {
  // Names are bytes without a NUL among them, as the archive has them.
  std::string path;
  // A hard link is of no type of its own, and has no content.
  bool linked = false;
  std::string hardlink;
  std::string symlink;
  // S_IFREG and its like.
  mode_t type = 0;
  // Permission bits.
  mode_t mode = 0;
  int64_t uid = 0;
  int64_t gid = 0;
  int64_t size = 0;
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  // Name and value.
  std::vector<std::pair<std::string, std::string>> xattrs;

  bool operator==(const Entry &) const = default;
};

// An archive is not taken. `kind` is for programs (src/host/archives.ts, Refusal), `name` the entry as the archive has
// it, empty where it is about the whole; `detail` what else there is to say.
struct Refused {
  const char *kind;
  std::string name;
  std::string detail;
};

} // namespace runt
