// libarchive, which parses what comes compressed and as a tar. It is loaded when the first archive is read and not
// before.
#pragma once
#include <sys/types.h>

#include <clocale>
#include <cstdint>
#include <memory>

struct archive;
struct archive_entry;

namespace runt {

// What is used of archive.h and archive_entry.h of libarchive 3, whose headers a build needs not for it.
struct ArchiveLibrary {
  static constexpr int kEnd = 1;
  static constexpr int kOk = 0;
  static constexpr int kWarning = -20;

  archive *(*make)() = nullptr;
  int (*release)(archive *) = nullptr;
  int (*filter_gzip)(archive *) = nullptr;
  int (*filter_zstd)(archive *) = nullptr;
  int (*format_raw)(archive *) = nullptr;
  int (*format_tar)(archive *) = nullptr;
  int (*format_empty)(archive *) = nullptr;
  int (*open)(archive *, void *data, int (*opened)(archive *, void *),
              ssize_t (*read)(archive *, void *, const void **block), int (*closed)(archive *, void *)) = nullptr;
  int (*next_header)(archive *, archive_entry **) = nullptr;
  int (*data_block)(archive *, const void **block, size_t *size, int64_t *offset) = nullptr;
  const char *(*error)(archive *) = nullptr;

  const char *(*path)(archive_entry *) = nullptr;
  const char *(*hardlink)(archive_entry *) = nullptr;
  const char *(*symlink)(archive_entry *) = nullptr;
  mode_t (*mode)(archive_entry *) = nullptr;
  mode_t (*file_type)(archive_entry *) = nullptr;
  int64_t (*uid)(archive_entry *) = nullptr;
  int64_t (*gid)(archive_entry *) = nullptr;
  int64_t (*size)(archive_entry *) = nullptr;
  time_t (*mtime)(archive_entry *) = nullptr;
  long (*mtime_nanoseconds)(archive_entry *) = nullptr;
  dev_t (*device_major)(archive_entry *) = nullptr;
  dev_t (*device_minor)(archive_entry *) = nullptr;
  int (*xattr_reset)(archive_entry *) = nullptr;
  int (*xattr_next)(archive_entry *, const char **name, const void **value, size_t *size) = nullptr;
};

// What is used of it to compress.
struct ArchiveWriting {
  archive *(*make)() = nullptr;
  int (*release)(archive *) = nullptr;
  int (*filter_gzip)(archive *) = nullptr;
  int (*filter_zstd)(archive *) = nullptr;
  int (*filter_option)(archive *, const char *filter, const char *option, const char *value) = nullptr;
  int (*format_raw)(archive *) = nullptr;
  int (*block_size)(archive *, int) = nullptr;
  int (*last_block)(archive *, int) = nullptr;
  int (*open)(archive *, void *data, int (*opened)(archive *, void *),
              ssize_t (*write)(archive *, void *, const void *block, size_t size),
              int (*closed)(archive *, void *)) = nullptr;
  int (*header)(archive *, archive_entry *) = nullptr;
  ssize_t (*data)(archive *, const void *block, size_t size) = nullptr;
  int (*close)(archive *) = nullptr;
  const char *(*error)(archive *) = nullptr;

  archive_entry *(*new_entry)() = nullptr;
  void (*free_entry)(archive_entry *) = nullptr;
  void (*set_path)(archive_entry *, const char *) = nullptr;
  void (*set_type)(archive_entry *, unsigned) = nullptr;
};

// The library; throws a SystemFailure where it is missing or too old.
const ArchiveLibrary &archive_library();
const ArchiveWriting &archive_writing();

struct ReleaseArchive {
  void operator()(archive *reader) const { archive_library().release(reader); }
};
using Archive = std::unique_ptr<archive, ReleaseArchive>;

// While this lives, the thread has the C locale: there the library hands on names as the bytes that they are. In any
// other it converts them, and brings those in UTF-8 to a normal form.
class PlainNames {
 public:
  PlainNames();
  PlainNames(const PlainNames &) = delete;
  PlainNames &operator=(const PlainNames &) = delete;
  ~PlainNames();

 private:
  locale_t before_;
};

} // namespace runt
