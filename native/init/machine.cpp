#include "machine.h"

#include <asm-generic/mman-common.h>

namespace runt {
namespace {

constexpr size_t kChunk = 64 << 10;
constexpr unsigned kNoSignal = 0x4000; // MSG_NOSIGNAL

uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

} // namespace

bool Machine::make_registers(uint32_t count) {
  registers_ = static_cast<int *>(allocate(sizeof(int) * count));
  if (count != 0 && registers_ == nullptr) return false;
  for (uint32_t i = 0; i < count; i++) registers_[i] = -1;
  return true;
}

void Machine::drop(Reg reg) {
  if (registers_[reg.index] >= 0) sys::close(registers_[reg.index]);
  registers_[reg.index] = -1;
}

Fd Machine::take(Reg reg) {
  Fd fd(registers_[reg.index]);
  registers_[reg.index] = -1;
  return fd;
}

bool Machine::fill(Out reg, Fd fd) {
  if (registers_[reg.index] >= 0) return fail(EBUSY, "register", "filled twice");
  registers_[reg.index] = fd.release();
  return true;
}

bool Machine::fail(int error, const char *call, Str subject) {
  error_ = error < 0 ? -error : error;
  call_ = call;
  subject_ = subject;
  return false;
}

bool Machine::fail(int error, const char *call, const char *subject) {
  return fail(error, call, Str{subject, static_cast<uint32_t>(length_of(subject))});
}

void *Machine::allocate(size_t size) {
  size = (size + 15) & ~static_cast<size_t>(15);
  if (size > memory_left_) {
    size_t chunk = size > kChunk ? size : kChunk;
    void *fresh = sys::mmap(chunk, PROT_READ | PROT_WRITE, 0x02 /* MAP_PRIVATE */ | MAP_ANONYMOUS, -1);
    if (sys::is_error(fresh)) return nullptr;
    memory_ = static_cast<char *>(fresh);
    memory_left_ = chunk;
  }
  void *result = memory_;
  memory_ += size;
  memory_left_ -= size;
  return result;
}

bool Machine::send(MessageType type, uint32_t value, Str subject, int fd) {
  subject.length = least(subject.length, kMaxMessage / 2);
  Message message = {static_cast<uint32_t>(type), value, 0, 0, subject.length, 0};
  if (plainly_ && fd < 0 && subject.length == 0)
    return went_through(sys::write(socket_, &message, sizeof message), "write");
  sys::iovec parts[2] = {{&message, sizeof message}, {subject.data, subject.length}};
  struct {
    size_t length;
    int level, type, fd, padding;
  } control = {sizeof(size_t) + 3 * sizeof(int), 1 /* SOL_SOCKET */, 1 /* SCM_RIGHTS */, fd, 0};
  sys::msghdr header = {nullptr, 0, parts, 2, fd >= 0 ? &control : nullptr, fd >= 0 ? sizeof control : 0, 0};
  return went_through(sys::sendmsg(socket_, &header, kNoSignal), "sendmsg");
}

bool Machine::await_proceed() {
  Message message;
  const long size = sys::read(socket_, &message, sizeof message);
  if (!went_through(size, "read")) return false;
  if (size != static_cast<long>(sizeof message) || message.type != static_cast<uint32_t>(MessageType::Proceed))
    sys::exit(1);
  return true;
}

bool Machine::went_through(long result, const char *call) {
  if (result == -EPIPE || result == -ECONNRESET) sys::exit(1);
  return result >= 0 || fail(static_cast<int>(result), call);
}

void Machine::report(uint32_t step) {
  uint32_t call_length = static_cast<uint32_t>(length_of(call_));
  uint32_t subject_length = least(subject_.length, kMaxMessage / 2);
  uint32_t detail_bytes = least(detail_length, kMaxDetail);
  Message message = {
      static_cast<uint32_t>(MessageType::Failed), step, error_, call_length, subject_length, detail_bytes};
  char packet[kMaxMessage];
  size_t size = 0;
  auto put = [&](const void *from, size_t length) {
    copy_bytes(packet + size, from, length);
    size += length;
  };
  put(&message, sizeof message);
  put(call_, call_length);
  put(subject_.data, subject_length);
  put(detail, detail_bytes);
  sys::write(fifo_ >= 0 ? fifo_ : socket_, packet, size);
}

void Machine::report_to(int fifo) {
  fifo_ = fifo;
  sys::close(socket_);
  socket_ = -1;
}

int64_t number_in(const char *text, uint32_t most) {
  uint64_t value = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9') return -1;
    value = value * 10 + static_cast<uint64_t>(*text - '0');
    if (value > most) return -1;
  }
  return static_cast<int64_t>(value);
}

size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

bool equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

bool starts_with(const char *text, const char *prefix) {
  while (*prefix != 0)
    if (*text++ != *prefix++) return false;
  return true;
}

void copy_bytes(void *to, const void *from, size_t size) { __builtin_memcpy(to, from, size); }

} // namespace runt
