// An archive on its way: from a descriptor, through a process that decompresses it, through this one, which hashes what
// comes out, into a process that parses the tar, and as records back into this one.
//
//   source ─► decompress ─► [SHA-256] ─► parse ─► [Intake]        [ ]: here; the others are confined (confined.h)
//
// Why two: the hash of the tar names the layer in the store. Were decompressing and parsing one process, a hostile
// layer could take it over and claim any hash. What is not compressed goes without the first.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive_records.h"
#include "confined.h"
#include "fd.h"
#include "sha256.h"

namespace runt {

class ArchiveStream {
 public:
  using Clock = std::chrono::steady_clock;

  // Copies the descriptor. More than `most` bytes of tar are refused. `contents`: what is in the files is wanted.
  ArchiveStream(int fd, uint64_t most, bool contents);
  ArchiveStream(const ArchiveStream &) = delete;
  ArchiveStream &operator=(const ArchiveStream &) = delete;

  enum class Next { Record, Waiting, Done };
  // The next record (Entry, Data, ContentEnd, End), which lives until the next call. Waiting: the time is over. Done:
  // the source is at its end. Throws Refused, or a SystemFailure.
  Next next(Record &record, Clock::time_point until);

  // Of the source; for telling how far it is.
  uint64_t bytes_read() const;
  uint64_t bytes_unpacked() const { return unpacked_; }
  // SHA-256, after Done: of the source, as who decompressed it says; of the tar. Once each.
  std::string digest();
  std::string diff_id() { return diff_id_.finish(); }

 private:
  void start_decompressor(int fd, std::string start);
  void start_parser(bool contents);
  // One turn: waits for a descriptor and does what can be done. False: the time is over.
  bool pump(Clock::time_point until);
  void take_plain(size_t size);
  void read_plain();
  void feed();
  void read_records();
  void end_of_plain();
  void stop_feeding();
  [[noreturn]] void tell_cut() const;

  const uint64_t most_;
  // Where the tar comes from: the source, or who decompresses it.
  Fd plain_;
  // What of it is not fed to the parser yet.
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool plain_ended_ = false;
  // Why the tar ends before its end: told after all that came before it.
  std::optional<Refused> cut_short_;
  uint64_t unpacked_ = 0;
  Sha256 diff_id_;
  std::string digest_;

  std::unique_ptr<Mapping> counter_;
  Fd report_;
  std::optional<Confined> decompressor_;

  Fd feed_;
  Fd records_in_;
  RecordReader records_;
  bool parsed_ = false;
  std::optional<Confined> parser_;
};

} // namespace runt
