// What the process that parses an archive says to the one that acts on it: records, one after the other, through a
// pipe.
//
//   u32 kind, u32 size, then `size` bytes:
//   Entry       fixed fields and strings (archive_records.cpp)
//   Data        u64 place in the file, then bytes of it
//   ContentEnd  nothing: after the Data of every regular file, which may be none
//   End         nothing: the archive has no more entries
//   Refused     u32 what, u32 whether the input was at its end, the entry's name, what the library says
//   Failed      u32 errno, the call: the process could not be confined, or a system call failed
//
// The process that decompresses says one of the last two, or
//
//   Source      the SHA-256 of all that it read, in hexadecimal
//
// The sender parses what a stranger wrote, so it counts as taken over: the receiver trusts no size, no number and no
// order of what comes. All numbers are the machine's own: both ends are the same program.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "archive_entry.h"

namespace runt {

enum class RecordKind : uint32_t { Entry = 1, Data, ContentEnd, End, Refused, Failed, Source };

// Names, link and attributes of one entry: libarchive takes 1 MiB of each kind of header.
constexpr size_t kMaxRecord = 4 << 20;
// Of a Data record.
constexpr size_t kMaxData = 256 << 10;

struct Record {
  RecordKind kind;
  Entry entry;
  // Data: valid until the reader is asked for more.
  std::string_view data;
  uint64_t offset = 0;
  // Refused: "compression" or "tar", and the rest. Failed: the call in `text`. Source: the digest in `text`.
  const char *refused = "";
  bool at_end = false;
  int error = 0;
  std::string name;
  std::string text;
};

// Appends a record. Throws Refused where an entry is too large for one.
void put_entry(std::string &to, const Entry &entry);
void put_data(std::string &to, uint64_t offset, std::string_view data);
void put_mark(std::string &to, RecordKind kind);
void put_refused(std::string &to, const Refused &refused, bool at_end);
void put_failed(std::string &to, int error, std::string_view call);
void put_source(std::string &to, std::string_view digest);

// The process that parses does what it never does. `what` follows "the process that took it apart".
[[noreturn]] void misbehaved(const std::string &what);

// Takes records out of bytes that come in pieces.
class RecordReader {
 public:
  // Where the next bytes go, at least one, and how many came.
  std::span<char> room();
  void filled(size_t size) { end_ += size; }
  // False: not whole yet. Throws Refused, "parser", where it is none.
  bool next(Record &record);

 private:
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

} // namespace runt
