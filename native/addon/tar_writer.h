// Tar as POSIX.1-2001 has it (pax), with extended attributes in the form that star, GNU tar, libarchive and Go read.
// The same entries are always the same bytes.
#pragma once
#include <ctime>
#include <functional>
#include <string>

#include "upper.h"

namespace runt {

struct TarEntry {
  // As the archive has it: relative, that of a directory with a slash at its end.
  std::string path;
  // Of the header: '0' file, '1' hard link, '2' symlink, '3' and '4' devices, '5' directory, '6' fifo.
  char type = '0';
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  timespec time = {};
  uint64_t size = 0;
  // Of a hard link or a symlink.
  std::string link = {};
  dev_t device = 0;
  // No name of them has a '='.
  Attributes attributes = {};
};

constexpr size_t kTarBlock = 512;

// What goes before an entry's content, a multiple of kTarBlock.
std::string tar_header(const TarEntry &entry);

// Seconds in decimals, with as many digits as they need.
std::string tar_time(const timespec &time);

} // namespace runt
