// runHook(path, args, env, stdin, timeout, directory): runs a program of the host to its end.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "binding.h"
#include "child.h"
#include "clock.h"
#include "exit_status.h"

namespace runt {

namespace {

constexpr size_t kMaxOutput = 64 << 10;
// What a pipe holds, and more: what the hook's own children keep writing after it has ended is not waited for.
constexpr int kDrainReads = 64;

struct Pipe {
  Fd reader;
  Fd writer;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2", "for a hook");
  return {Fd(ends[0]), Fd(ends[1])};
}

// Only this process's end: the hook gets an ordinary one.
void make_non_blocking(const Fd &fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
}

// The end of what the hook prints, kMaxOutput of it; all is read, so that the hook does not block.
class Capture {
 public:
  explicit Capture(Fd fd) : fd_(std::move(fd)) { make_non_blocking(fd_); }

  int fd() const { return fd_.get(); }
  const std::string &text() {
    keep_end();
    return text_;
  }
  // False when there is nothing to read now, or ever.
  bool read() {
    char data[4096];
    if (!fd_.valid()) return false;
    const ssize_t size = ::read(fd_.get(), data, sizeof data);
    if (size == 0 || (size == -1 && errno != EAGAIN && errno != EINTR)) fd_.reset();
    if (size <= 0) return false;
    text_.append(data, static_cast<size_t>(size));
    if (text_.size() > 2 * kMaxOutput) keep_end();
    return true;
  }
  void drain() {
    for (int i = 0; i < kDrainReads && read(); i++) {
    }
  }

 private:
  void keep_end() {
    if (text_.size() > kMaxOutput) text_.erase(0, text_.size() - kMaxOutput);
  }

  Fd fd_;
  std::string text_;
};

class HookRun {
 public:
  HookRun(const ChildProgram &program, Fd input, Fd output, Fd error, std::string text, int64_t timeout)
      : child_(start_child(program)),
        input_(std::move(input)),
        output_(std::move(output)),
        error_(std::move(error)),
        text_(std::move(text)),
        end_(timeout > 0 ? monotonic_ms() + timeout : 0) {
    make_non_blocking(input_);
  }

  // Waits for the end of the hook, which is killed and reaped on every way out.
  ~HookRun() {
    if (!reaped_) end_now();
  }
  HookRun(const HookRun &) = delete;
  HookRun &operator=(const HookRun &) = delete;

  // False: it took too long and was killed.
  bool run() {
    for (;;) {
      write_input();
      const int64_t left = end_ == 0 ? -1 : std::max<int64_t>(0, end_ - monotonic_ms());
      if (left == 0) {
        end_now();
        return false;
      }
      pollfd entries[] = {{child_.pidfd.get(), POLLIN, 0},
                          {input_.get(), POLLOUT, 0},
                          {output_.fd(), POLLIN, 0},
                          {error_.fd(), POLLIN, 0}};
      if (::poll(entries, 4, static_cast<int>(std::min<int64_t>(left, INT32_MAX))) == -1 && errno != EINTR)
        fail("poll");
      output_.read();
      error_.read();
      if (entries[0].revents != 0) break;
    }
    if (!reap()) fail("waitid", "the hook");
    output_.drain();
    error_.drain();
    return true;
  }

  const siginfo_t &status() const { return status_; }
  Capture &output() { return output_; }
  Capture &error() { return error_; }

 private:
  void write_input() {
    if (!input_.valid()) return;
    const ssize_t size = text_.empty() ? 0 : ::write(input_.get(), text_.data(), text_.size());
    if (size > 0) text_.erase(0, static_cast<size_t>(size));
    if (size == -1 && errno != EAGAIN && errno != EINTR) {
      // A hook need not read its input.
      if (errno != EPIPE) fail("write", "the hook's standard input");
      text_.clear();
    }
    if (text_.empty()) input_.reset();
  }

  void end_now() {
    // With its children, as long as it was not reaped: its group has no other's number.
    ::kill(-child_.pid, SIGKILL);
    ::syscall(SYS_pidfd_send_signal, child_.pidfd.get(), SIGKILL, nullptr, 0);
    reap();
  }

  bool reap() {
    reaped_ = true;
    return retry([&] { return ::waitid(P_PID, static_cast<id_t>(child_.pid), &status_, WEXITED); }) == 0;
  }

  StartedChild child_;
  Fd input_;
  Capture output_;
  Capture error_;
  std::string text_;
  const int64_t end_;
  siginfo_t status_ = {};
  bool reaped_ = false;
};

Napi::Value run_hook(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  ChildProgram program;
  program.path = args.path(0);
  if (program.path[0] != '/') args.refuse("path", "must be absolute");
  program.args = args.strings(1, "args");
  if (program.args.empty()) program.args = {program.path};
  program.env = args.strings(2, "env");
  std::string text = args.text(3, "stdin");
  const auto timeout = args.integer(4, "timeout", 0, int64_t{1} << 42);
  program.directory = args.string(5, "directory");
  program.own_group = true;

  Pipe input = make_pipe();
  Pipe output = make_pipe();
  Pipe error = make_pipe();
  program.streams[0] = input.reader.get();
  program.streams[1] = output.writer.get();
  program.streams[2] = error.writer.get();
  HookRun hook(program, std::move(input.writer), std::move(output.reader), std::move(error.reader), std::move(text),
               timeout);
  // Else the hook's end would never be seen.
  input.reader.reset();
  output.writer.reset();
  error.writer.reset();
  const bool in_time = hook.run();

  auto result = Napi::Object::New(info.Env());
  if (in_time) {
    result.Set("status", exit_status(info.Env(), hook.status()));
  } else {
    result.Set("status", "timeout");
  }
  result.Set("stdout", hook.output().text());
  result.Set("stderr", hook.error().text());
  return result;
}

} // namespace

void bind_hooks(Napi::Object exports) { bind<run_hook>(exports, "runHook"); }

} // namespace runt
