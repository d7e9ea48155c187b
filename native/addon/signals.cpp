// Not signalfd(2): it needs the signals blocked in every thread, and the engines' helper threads do not block them.
#include "signals.h"

#include <fcntl.h>

#include <atomic>

#include "failure.h"

namespace runt {

namespace {

constexpr int kLastSignal = 64;

// Where the handler, on whatever thread it runs, tells the poll loop; -1: nobody listens.
std::atomic<int> pipe_end{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void handle(int signal) {
  const int error = errno;
  const auto byte = static_cast<unsigned char>(signal);
  const int fd = pipe_end.load();
  // A full pipe already holds thousands of signals.
  if (fd >= 0 && ::write(fd, &byte, 1) == -1) errno = error;
  errno = error;
}

bool can_be_forwarded(int signal) {
  switch (signal) {
    // Cannot be caught.
    case SIGKILL:
    case SIGSTOP:
    // Speak of this process alone: its children, its sockets, its pipes.
    case SIGCHLD:
    case SIGURG:
    case SIGPIPE:
    // Its own faults.
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS:
    // Job control: a runt in the background that touches the terminal must stop.
    case SIGTTIN:
    case SIGTTOU:
      return false;
    default:
      return true;
  }
}

} // namespace

SignalCatcher::SignalCatcher(bool children) {
  open();
  for (int signal = 1; signal <= kLastSignal; signal++) {
    if (can_be_forwarded(signal) || (children && signal == SIGCHLD)) take(signal);
  }
}

SignalCatcher::SignalCatcher(const std::vector<int> &signals) {
  open();
  for (const int signal : signals) take(signal);
}

void SignalCatcher::open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) fail("pipe2", "for signals");
  reader_.reset(ends[0]);
  writer_.reset(ends[1]);
  int nobody = -1;
  if (!pipe_end.compare_exchange_strong(nobody, writer_.get())) fail_with(EBUSY, "sigaction", "foreground");
}

void SignalCatcher::take(int signal) {
  Former former = {signal, {}};
  // EINVAL: libc's own.
  if (::sigaction(signal, nullptr, &former.action) != 0) return;
  // What the caller ignores (nohup) stays ignored. JavaScriptCore stops its threads with SIGPWR: a handler there is the
  // engine's.
  if (former.action.sa_handler == SIG_IGN) return;
  if (signal == SIGPWR && former.action.sa_handler != SIG_DFL) return;
  struct sigaction action = {};
  action.sa_handler = handle;
  // No SA_RESTART: a blocked write to a stopped terminal gives way to the signal.
  action.sa_flags = SA_ONSTACK;
  sigfillset(&action.sa_mask);
  if (::sigaction(signal, &action, nullptr) == 0) former_.push_back(former);
}

SignalCatcher::~SignalCatcher() {
  for (const Former &former : former_) ::sigaction(former.signal, &former.action, nullptr);
  pipe_end.store(-1);
}

int SignalCatcher::next() {
  unsigned char byte = 0;
  return retry([&] { return ::read(reader_.get(), &byte, 1); }) == 1 ? byte : 0;
}

} // namespace runt
