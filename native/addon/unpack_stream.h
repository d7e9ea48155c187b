// The bytes of a layer on their way: from a descriptor, through what they are compressed with, to a reader of tar. Both
// sides are hashed as they pass.
#pragma once
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "archive.h"
#include "fd.h"
#include "sha256.h"

namespace runt {

// An archive is not taken. `kind` is for programs (src/host/host.ts, Refusal), `name` the entry as the archive has it,
// empty where it is about the whole; `detail` what else there is to say.
struct Refused {
  const char *kind;
  std::string name;
  std::string detail;
};

class TarStream {
 public:
  // Copies the descriptor. More than `most` bytes of tar are refused.
  TarStream(int fd, uint64_t most);
  TarStream(const TarStream &) = delete;
  TarStream &operator=(const TarStream &) = delete;

  // The next entry; nullptr: there is none.
  archive_entry *next();
  // The next piece of the entry's content and its place in it; false: there is none.
  bool content(const void **block, size_t *size, int64_t *offset);
  // Reads on to the end of the stream, after the archive's: false while there may be more.
  bool drain();

  uint64_t bytes_read() const { return read_; }
  uint64_t bytes_unpacked() const { return unpacked_; }
  // Of all that was read; once each.
  std::string digest() { return digest_.finish(); }
  std::string diff_id() { return diff_id_.finish(); }

 private:
  static ssize_t read_source(archive *, void *self, const void **block);
  static ssize_t read_plain(archive *, void *self, const void **block);
  ssize_t fill(const void **block);
  ssize_t decompress(const void **block);
  // Throws what a callback kept, or what the library says.
  [[noreturn]] void refuse(archive *reader, const std::string &name);

  Fd source_;
  const uint64_t most_;
  uint64_t read_ = 0;
  uint64_t unpacked_ = 0;
  Sha256 digest_;
  Sha256 diff_id_;
  std::vector<char> buffer_;
  bool plain_ended_ = false;
  // No exception may pass through the library: a callback keeps it here.
  std::exception_ptr failure_;
  Archive plain_;
  Archive tar_;
};

} // namespace runt
