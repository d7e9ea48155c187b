// What a container changed: the directory for changes of its overlay, on the disk. The container may be running, and
// may exchange anything in it for anything else at any instant: every name is taken in the descriptor of its directory,
// by openat2(2), and looked at before it is opened for reading.
#pragma once
#include <dirent.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fd.h"

namespace runt {

// A clone of the mount that `upper` in a directory is on, with that as its root, in no mount namespace: read-only, and
// nothing in it can be executed or used as a device. Throws a SystemFailure.
Fd open_upper(const std::string &directory);

// Something in a directory, not opened yet (O_PATH).
struct UpperEntry {
  Fd fd;
  struct stat status;

  bool is_directory() const { return S_ISDIR(status.st_mode); }
  // kernel.org/doc/html/latest/filesystems/overlayfs.html#whiteouts-and-opaque-directories
  bool is_whiteout() const { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }
};

// Nothing where there is nothing of that name (any more). `path` is for errors.
std::optional<UpperEntry> open_entry(int directory, const std::string &name, const std::string &path);

// The entry itself, for reading; it is a directory, or a regular file.
Fd open_for_reading(const UpperEntry &entry, const std::string &path);

struct UpperName {
  std::string name;
  // As readdir(3) has it: perhaps DT_UNKNOWN.
  unsigned char type;
};

// How many names may be read, and were: Refused where there are more.
struct NameBudget {
  uint64_t most;
  uint64_t used = 0;
};

// The names in a directory, sorted by their bytes.
std::vector<UpperName> sorted_names(int directory, const std::string &path, NameBudget &budget);

// Of something in a directory, relative to the root; Refused where it is longer or deeper than a layer can have it.
// `depth`: how many directories are above it, the root not counted.
std::string path_below(const std::string &directory, const std::string &name, size_t depth);

// Where a symlink leads to.
std::string target_of(const UpperEntry &entry, const std::string &path);

// Extended attributes by their names: without overlayfs's own, and without those that are a machine's.
using Attributes = std::map<std::string, std::string>;

class AttributeReader {
 public:
  AttributeReader();
  Attributes all(const UpperEntry &entry, const std::string &path);
  // Whether a directory hides what lower layers have in theirs of its name.
  bool opaque(const UpperEntry &entry, const std::string &path);

 private:
  // False: the file has none of that name (any more).
  bool read(const std::string &link, const char *name, const std::string &path, std::string &value);

  std::unique_ptr<char[]> names_;
  std::unique_ptr<char[]> value_;
};

} // namespace runt
