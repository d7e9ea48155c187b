// Standard input and output are shared with the caller's other processes: they are never made non-blocking, poll(2)
// tells when they are ready. The container's terminal is runt's alone.
#include "relay.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "failure.h"
#include "terminal.h"

namespace runt {

namespace {

// While the other side is closed poll(2) would answer at once, again and again: look from time to time instead.
constexpr int kHungUpInterval = 50;

bool interrupted() { return errno == EINTR || errno == EAGAIN; }

} // namespace

ssize_t Flow::fill(int fd) {
  const ssize_t size = ::read(fd, data_, sizeof data_);
  start_ = 0;
  end_ = size > 0 ? static_cast<size_t>(size) : 0;
  return size;
}

ssize_t Flow::flush(int fd) {
  const ssize_t size = ::write(fd, data_ + start_, end_ - start_);
  if (size > 0) start_ += static_cast<size_t>(size);
  return size;
}

void Flow::put(const char *data, size_t size) {
  std::memcpy(data_, data, size);
  start_ = 0;
  end_ = size;
}

TerminalRelay::TerminalRelay(int terminal) : terminal_(terminal), terminal_flags_(::fcntl(terminal, F_GETFL)) {
  if (terminal_flags_ == -1 || ::fcntl(terminal, F_SETFL, terminal_flags_ | O_NONBLOCK) == -1)
    fail("fcntl", "terminal");
  copy_size();
  if (::tcgetattr(STDIN_FILENO, &former_) != 0) return;
  termios mode = former_;
  ::cfmakeraw(&mode);
  if (retry([&] { return ::tcsetattr(STDIN_FILENO, TCSANOW, &mode); }) != 0) fail("tcsetattr", "standard input");
  raw_ = true;
}

TerminalRelay::~TerminalRelay() {
  if (raw_) set_terminal_mode(former_);
  ::fcntl(terminal_, F_SETFL, terminal_flags_);
}

void TerminalRelay::copy_size() {
  winsize size;
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
  // 0: the caller's terminal does not know its size; keep what the container's has.
  if (size.ws_row != 0 && size.ws_col != 0) ::ioctl(terminal_, TIOCSWINSZ, &size);
}

int TerminalRelay::prepare(pollfd *entries) {
  const bool wants_input = input_open_ && input_.empty();
  const bool wants_terminal = output_.empty() && !hung_up_;
  const bool has_input = !input_.empty() && !hung_up_;
  entries[0] = {wants_input ? STDIN_FILENO : -1, POLLIN, 0};
  entries[1] = {wants_terminal || has_input ? terminal_ : -1,
                static_cast<short>((wants_terminal ? POLLIN : 0) | (has_input ? POLLOUT : 0)), 0};
  entries[2] = {output_.empty() ? -1 : STDOUT_FILENO, POLLOUT, 0};
  return hung_up_ ? kHungUpInterval : -1;
}

void TerminalRelay::move(const pollfd *entries) {
  if (entries[0].revents != 0) read_input();
  // After a pause, too: somebody may have opened the other side again.
  const bool retry_terminal = hung_up_;
  hung_up_ = false;
  if (output_.empty() && (retry_terminal || (entries[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0)) read_terminal();
  if (!input_.empty() && !hung_up_) write_terminal();
  if (!output_.empty()) {
    if (entries[2].revents != 0) write_output();
  }
}

void TerminalRelay::read_input() {
  const ssize_t size = input_.fill(STDIN_FILENO);
  if (size > 0) {
    line_begun_ = input_.last() != '\n';
  } else if (size == 0) {
    end_of_input();
  } else if (!interrupted()) {
    input_open_ = false;
  }
}

// A pipe that ends is told to the program as a person would: by the end-of-file character, if the terminal reads lines.
// After an unfinished line the first one only hands the line over.
void TerminalRelay::end_of_input() {
  input_open_ = false;
  termios mode;
  if (::tcgetattr(terminal_, &mode) != 0 || (mode.c_lflag & ICANON) == 0) return;
  const char character = static_cast<char>(mode.c_cc[VEOF]);
  const char twice[] = {character, character};
  input_.put(twice, line_begun_ ? 2 : 1);
}

void TerminalRelay::read_terminal() {
  const ssize_t size = output_.fill(terminal_);
  // EIO: every descriptor of the other side is closed.
  if (size == 0 || (size == -1 && !interrupted())) hung_up_ = true;
  // Nobody reads any more; the program must not notice.
  if (size > 0 && !output_open_) output_.clear();
}

void TerminalRelay::write_terminal() {
  if (input_.flush(terminal_) == -1 && !interrupted()) input_.clear();
}

void TerminalRelay::write_output() {
  if (output_.flush(STDOUT_FILENO) == -1 && !interrupted()) {
    output_open_ = false;
    output_.clear();
  }
}

bool TerminalRelay::drain_step() {
  const ssize_t size = output_.fill(terminal_);
  if (size > 0 && !output_open_) output_.clear();
  return size == 0 || (size == -1 && errno != EINTR);
}

} // namespace runt
