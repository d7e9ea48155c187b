// Between the caller's terminal (or pipes) and the container's.
#pragma once
#include <poll.h>
#include <sys/types.h>
#include <termios.h>

#include <cstddef>

namespace runt {

// Bytes on their way in one direction; empty before it is filled again, so that a slow reader slows the writer.
class Flow {
 public:
  bool empty() const { return start_ == end_; }
  // read(2) into the empty buffer; returns its result.
  ssize_t fill(int fd);
  // One write(2) of what is left; -1 with errno when it failed.
  ssize_t flush(int fd);
  void put(const char *data, size_t size);
  void clear() { start_ = end_ = 0; }
  char last() const { return data_[end_ - 1]; }

 private:
  // PIPE_BUF: once poll(2) says that a blocking pipe is writable, a write of this size does not block.
  static constexpr size_t kSize = 4096;
  char data_[kSize];
  size_t start_ = 0;
  size_t end_ = 0;
};

// Relays the master side of a pseudoterminal with standard input and output. Standard input is put into raw mode when
// it is a terminal; the destructor restores it.
class TerminalRelay {
 public:
  explicit TerminalRelay(int terminal);
  ~TerminalRelay();
  TerminalRelay(const TerminalRelay &) = delete;
  TerminalRelay &operator=(const TerminalRelay &) = delete;

  // Gives the container's terminal the size of the caller's.
  void copy_size();

  static constexpr size_t kEntries = 3;
  // Fills kEntries entries for poll(2) and returns how long it may wait, in milliseconds (-1: for ever).
  int prepare(pollfd *entries);
  // Moves what can be moved.
  void move(const pollfd *entries);
  // Takes from the terminal what the program left there; true when there is no more.
  bool drain_step();
  // Something waits for standard output.
  bool output_pending() const { return !output_.empty(); }
  void write_output();

 private:
  void read_input();
  void end_of_input();
  void read_terminal();
  void write_terminal();

  const int terminal_;
  int terminal_flags_;
  bool raw_ = false;
  termios former_ = {};
  Flow input_;
  Flow output_;
  bool input_open_ = true;
  bool output_open_ = true;
  // Nobody has the container's side open at the moment.
  bool hung_up_ = false;
  bool line_begun_ = false;
};

} // namespace runt
