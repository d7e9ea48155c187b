// Reads the fields of a plan's steps; the format stands in wire.h, the fields of each step in steps.gen.h.
// Trusts nothing: a read outside the record or the strings, a missing NUL or an unknown register clears `ok`, and the
// value read is then empty. No step is run before all were read once.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

namespace runt {

// A register to read, and one to fill: two types, so that a step cannot mix them up.
struct Reg {
  uint32_t index;
};
struct Out {
  uint32_t index;
};

// Registers to read, one after the other.
struct Regs {
  uint32_t first, count;
  Reg operator[](uint32_t index) const { return {first + index}; }
};

// A string inside the plan: `length` bytes without a NUL among them, then a NUL.
struct Str {
  const char *data = "";
  uint32_t length = 0;
};

// `count` strings one after the other, each with its NUL.
struct Strs {
  const char *data = "";
  uint32_t length = 0;
  uint32_t count = 0;
};

// Bytes of any kind inside the plan, at any alignment.
struct Bytes {
  const uint8_t *data = nullptr;
  uint32_t length = 0;
};

class Decoder {
 public:
  Decoder(const uint8_t *record, size_t size, const char *strings, uint32_t strings_size, uint32_t registers)
      : at_(record), end_(record + size), strings_(strings), strings_size_(strings_size), registers_(registers) {}

  bool ok() const { return ok_; }
  // Every byte of the record was consumed.
  bool done() const { return ok_ && at_ == end_; }

  void read(uint32_t &value) { value = word(); }
  void read(int32_t &value) { value = static_cast<int32_t>(word()); }
  void read(uint64_t &value) {
    uint64_t low = word();
    value = low | static_cast<uint64_t>(word()) << 32;
  }
  void read(Reg &reg) { reg.index = register_index(); }
  void read(Out &reg) { reg.index = register_index(); }
  void read(Regs &regs) {
    regs.first = word();
    regs.count = word();
    if (static_cast<uint64_t>(regs.first) + regs.count > registers_) ok_ = false;
    if (!ok_) regs = {0, 0};
  }

  void read(Str &text) {
    uint32_t offset = word(), length = word();
    if (!inside(offset, static_cast<uint64_t>(length) + 1) || strings_[offset + length] != 0 ||
        nuls(offset, length) != 0) {
      ok_ = false;
      return;
    }
    text = {strings_ + offset, length};
  }

  void read(Bytes &bytes) {
    uint32_t offset = word(), length = word();
    if (!inside(offset, length)) {
      ok_ = false;
      return;
    }
    bytes = {reinterpret_cast<const uint8_t *>(strings_) + offset, length};
  }

  void read(Strs &list) {
    uint32_t offset = word(), length = word(), count = word();
    if (!inside(offset, length) || (length != 0 && strings_[offset + length - 1] != 0) ||
        nuls(offset, length) != count) {
      ok_ = false;
      return;
    }
    list = {strings_ + offset, length, count};
  }

 private:
  uint32_t word() {
    if (!ok_ || end_ - at_ < 4) {
      ok_ = false;
      return 0;
    }
    uint32_t value = static_cast<uint32_t>(at_[0]) | static_cast<uint32_t>(at_[1]) << 8 |
                     static_cast<uint32_t>(at_[2]) << 16 | static_cast<uint32_t>(at_[3]) << 24;
    at_ += 4;
    return value;
  }

  uint32_t register_index() {
    uint32_t index = word();
    if (index >= registers_) {
      ok_ = false;
      return 0;
    }
    return index;
  }

  bool inside(uint32_t offset, uint64_t length) const {
    return ok_ && static_cast<uint64_t>(offset) + length <= strings_size_;
  }

  uint32_t nuls(uint32_t offset, uint32_t length) const {
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++) count += strings_[offset + i] == 0;
    return count;
  }

  const uint8_t *at_;
  const uint8_t *end_;
  const char *strings_;
  uint32_t strings_size_;
  uint32_t registers_;
  bool ok_ = true;
};

} // namespace runt
