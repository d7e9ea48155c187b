// The machine that runs a plan: descriptor registers, the failure of a step, memory, and the way out to the other side.
// Each step is one function `bool run(const XStep &, Machine &)` in the steps_*.cpp of its family: true, or
// `m.fail(…)`.
#pragma once
#include "../common/protocol.h"
#include "../common/steps.gen.h"
#include "syscalls.h"

namespace runt {

// A descriptor that is closed at the end of its scope.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd &&other) noexcept : fd_(other.release()) {}
  Fd &operator=(Fd &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Fd(const Fd &) = delete;
  Fd &operator=(const Fd &) = delete;
  ~Fd() { reset(-1); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // The errno that opening it gave.
  int error() const { return fd_ < 0 ? -fd_ : 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset(int fd) {
    if (fd_ >= 0) sys::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

class Machine {
 public:
  Machine(int socket, unsigned mask) : callers_mask(mask), socket_(socket) {}

  // Registers. A register is empty, or holds a descriptor that it owns.
  bool make_registers(uint32_t count);
  int get(Reg reg) const { return registers_[reg.index]; }
  void drop(Reg reg);
  // Empties a register; the caller owns what it held.
  Fd take(Reg reg);
  // Fills an empty register; one that is not empty is a fault of the plan.
  [[nodiscard]] bool fill(Out reg, Fd fd);
  void fill_input(uint32_t index, int fd) { registers_[index] = fd; }

  // Notes why the step failed; always false, so that a step can `return m.fail(…)`. `error` is an errno or a negative
  // one.
  bool fail(int error, const char *call, Str subject = {});
  bool fail(int error, const char *call, const char *subject);
  // A buffer for further facts about the failure, kMaxDetail bytes; `detail_length` says how many count.
  char detail[kMaxDetail];
  uint32_t detail_length = 0;

  // Memory that lives until the program is executed; null when there is none.
  void *allocate(size_t size);

  // Messages to the other side. Where that is gone nobody is there to tell, and nothing of this container may stay:
  // then init ends. Other failures are noted, and the result is false.
  bool send(MessageType type, uint32_t value, Str subject = {}, int fd = -1);
  // Waits for Proceed; as `send`.
  bool await_proceed();
  // Reports the noted failure of a step, through the socket, or the `started` fifo once init waited for start.
  void report(uint32_t step);
  // From here on only write(2) and read(2) are used to talk: a filter of system calls is in force, which has to allow
  // these two and not more.
  void talk_plainly() { plainly_ = true; }
  bool talks_plainly() const { return plainly_; }
  // From here on failures go to this fifo.
  void report_to(int fifo);

  // The program.
  const char **argv = nullptr;
  const char **envp = nullptr;
  uint32_t env_count = 0;
  const char *program = nullptr;
  // "HOME=…", found by the home step.
  const char *home = nullptr;
  // The signal asked for by dieWithParent; credential changes and forks make the kernel forget it.
  uint32_t parent_death_signal = 0;
  // What the last openIn step opened, where that had to make the directory first; else -1.
  int made = -1;
  // The file mode creation mask that init was started with.
  const unsigned callers_mask;

 private:
  bool went_through(long result, const char *call);
  int socket_;
  int fifo_ = -1;
  bool plainly_ = false;
  int *registers_ = nullptr;
  char *memory_ = nullptr;
  size_t memory_left_ = 0;
  int error_ = 0;
  const char *call_ = "";
  Str subject_;
};

// Runs the plan in `bytes`, `mask` being the file mode creation mask that init was started with; returns its exit
// status. Returns only when the plan failed or ended without executing anything.
int run_plan(const uint8_t *bytes, size_t size, const int *inputs, uint32_t input_count, int socket, unsigned mask);

// Whether the bytes are a plan that adds up, and (through `failed`) which step does not; runs nothing.
bool validate_plan(const uint8_t *bytes, size_t size, uint32_t *failed);

// Opens a path below a root (paths.cpp). `make` and `kind` as in the openIn step. On failure the errno is in the result
// and `call` names the system call. `made`, where it is given, tells whether the directory at the end was made by this.
Fd open_in(int root, Str path, uint32_t make, uint32_t mode, uint32_t kind, const char **call, bool *made = nullptr);

// A decimal number that ends at a NUL; -1 if it is none, or more than `most`.
int64_t number_in(const char *text, uint32_t most);

size_t length_of(const char *text);
bool equal(const char *a, const char *b);
bool starts_with(const char *text, const char *prefix);
void copy_bytes(void *to, const void *from, size_t size);

} // namespace runt
