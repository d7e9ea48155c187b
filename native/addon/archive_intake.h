// What is done with the records of an archive, whoever made them: nothing that comes from the process that parses is
// believed before it was checked here.
#pragma once
#include <cstddef>
#include <cstdint>

#include "archive_records.h"

namespace runt {

// Makes something of entries.
class Taker {
 public:
  // What entries bring beyond themselves: directories that none of them names, which are made all the same, and bytes
  // of names that are kept until the end.
  struct Beside {
    uint64_t directories = 0;
    uint64_t names = 0;
  };

  Taker() = default;
  Taker(const Taker &) = delete;
  Taker &operator=(const Taker &) = delete;
  virtual ~Taker() = default;

  // True for a regular file whose content is wanted: write(), which may leave holes, and finish_file().
  virtual bool add(Entry entry) = 0;
  virtual void write(const char *data, size_t size, int64_t offset) = 0;
  virtual void finish_file() = 0;

  const Beside &beside() const { return beside_; }

 protected:
  Beside beside_;
};

class Intake {
 public:
  Intake(Taker &taker, uint64_t most_entries) : taker_(taker), most_(most_entries) {}

  // An Entry, Data, ContentEnd or End; `tar`: how many bytes of it the process had when it said so, which its Data
  // cannot exceed. Throws Refused, and what the taker throws.
  void receive(Record &record, uint64_t tar);
  uint64_t entries() const { return entries_; }

 private:
  void refuse_too_much() const;

  Taker &taker_;
  const uint64_t most_;
  uint64_t entries_ = 0;
  uint64_t data_ = 0;
  // Of the file in work.
  bool in_file_ = false;
  bool wanted_ = false;
  uint64_t size_ = 0;
};

} // namespace runt
