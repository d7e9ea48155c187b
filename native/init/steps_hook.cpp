// A program that is run to its end on the way: in the namespaces, and with the privileges, that init has at this step.
#include <asm-generic/mman-common.h>
#include <linux/prctl.h>

#include "steps.h"

namespace runt {
namespace {

constexpr unsigned kCloseOnExec = 1U << 2; // CLOSE_RANGE_CLOEXEC
constexpr unsigned kMemfdCloseOnExec = 1;  // MFD_CLOEXEC
constexpr int kKill = 9;                   // SIGKILL
constexpr short kReadable = 1;             // POLLIN
constexpr size_t kLongestOutcome = 24;
// What a pipe holds, and more: what the program's own children keep writing after its end is not waited for.
constexpr int kDrainReads = 64;

// Where the child leaves word of the call that failed: a page that it shares with init.
struct Report {
  int error;
  const char *call;
};

// One end of a pipe into which the program writes; keeps the end of what comes.
class Output {
 public:
  bool open(Fd &writer, int *error) {
    int ends[2];
    *error = sys::pipe2(ends, O_CLOEXEC);
    if (*error < 0) return false;
    reader_.reset(ends[0]);
    writer.reset(ends[1]);
    // Only this end: the program gets an ordinary one.
    *error = sys::set_flags(reader_.get(), O_NONBLOCK);
    return *error >= 0;
  }
  int fd() const { return reader_.get(); }
  const char *text() const { return text_; }
  size_t size() const { return size_; }

  // False when there is nothing to read now, or ever.
  bool read() {
    char data[4096];
    if (!reader_.valid()) return false;
    long got = sys::read(reader_.get(), data, sizeof data);
    if (got == 0 || (got < 0 && got != -EAGAIN)) reader_.reset(-1);
    if (got <= 0) return false;
    append(data, static_cast<size_t>(got));
    return true;
  }
  void drain() {
    for (int i = 0; i < kDrainReads && read(); i++) {
    }
  }

 private:
  void append(const char *data, size_t count) {
    if (count > sizeof text_) {
      data += count - sizeof text_;
      count = sizeof text_;
    }
    size_t keep = sizeof text_ - count < size_ ? sizeof text_ - count : size_;
    for (size_t i = 0; i < keep; i++) text_[i] = text_[size_ - keep + i];
    copy_bytes(text_ + keep, data, count);
    size_ = keep + count;
  }

  Fd reader_;
  char text_[kMaxDetail - kLongestOutcome];
  size_t size_ = 0;
};

size_t put_number(char *to, uint32_t value) {
  char digits[12];
  size_t count = 0, at = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  while (count > 0) to[at++] = digits[--count];
  return at;
}

bool write_all(int fd, const char *data, size_t size, int *error) {
  while (size > 0) {
    long written = sys::write(fd, data, size);
    if (written <= 0) {
      *error = written == 0 ? -EIO : static_cast<int>(written);
      return false;
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

// Not a pipe: however long the text, nobody has to write while the program runs.
Fd input_of(const HookStep &s, int *error) {
  char digits[12];
  Fd file(sys::memfd_create("state", kMemfdCloseOnExec));
  *error = file.get();
  if (file.get() < 0) return Fd();
  size_t count = put_number(digits, static_cast<uint32_t>(sys::getpid()));
  if (!write_all(file.get(), s.before.data, s.before.length, error) || !write_all(file.get(), digits, count, error) ||
      !write_all(file.get(), s.after.data, s.after.length, error))
    return Fd();
  *error = static_cast<int>(sys::seek_to_start(file.get()));
  return *error < 0 ? Fd() : static_cast<Fd &&>(file);
}

const char **pointers(Machine &m, const Strs &strings, const char *instead) {
  auto **list = static_cast<const char **>(m.allocate(sizeof(char *) * (strings.count + 2)));
  if (list == nullptr) return nullptr;
  const char *at = strings.data;
  uint32_t count = 0;
  for (; count < strings.count; count++, at += length_of(at) + 1) list[count] = at;
  if (count == 0 && instead != nullptr) list[count++] = instead;
  list[count] = nullptr;
  return list;
}

struct Child {
  const HookStep &step;
  const char *const *argv;
  const char *const *envp;
  int streams[3];
  // Null: the mask stays.
  const unsigned *mask;
  Report *report;

  void check(const char *call, int result) const {
    if (result >= 0) return;
    report->call = call;
    report->error = -result;
    sys::exit(127);
  }

  [[noreturn]] void run() const {
    // Not checked: a filter may forbid them, and then less is killed at the hook's timeout.
    sys::setpgid(0, 0);
    sys::prctl(PR_SET_PDEATHSIG, kKill);
    // allow cloexec: a standard stream, which is to be inherited
    for (int fd = 0; fd < 3; fd++) check("dup3", sys::dup3(streams[fd], fd, 0));
    // Neither init's own, nor those that the container's program is to inherit.
    check("close_range", sys::close_range(3, ~0U, kCloseOnExec));
    if (mask != nullptr) sys::umask(*mask);
    // allow path: of a hook, which config.json names
    if (step.directory.length > 0) check("chdir", sys::chdir(step.directory.data));
    // allow exec: a hook, which config.json names
    check("execve", sys::execve(step.path.data, argv, envp));
    sys::exit(127);
  }
};

// Waits for the program's end, killing it and its children when its time is over; `in_time` says whether it was.
// Returns 0 or -errno: its end could not be seen.
int attend(int pid, int pidfd, uint64_t timeout, Output &out, Output &err, int *status, bool *in_time) {
  const uint64_t end = timeout == 0 ? 0 : sys::monotonic_ms() + timeout;
  *in_time = true;
  for (;;) {
    __kernel_timespec left = {};
    if (timeout != 0) {
      uint64_t now = sys::monotonic_ms();
      if (now >= end) {
        *in_time = false;
        sys::kill(-pid, kKill);
        sys::kill(pid, kKill);
        break;
      }
      left.tv_sec = static_cast<long long>((end - now) / 1000);
      left.tv_nsec = static_cast<long long>((end - now) % 1000 * 1000000);
    }
    sys::pollfd entries[] = {{pidfd, kReadable, 0}, {out.fd(), kReadable, 0}, {err.fd(), kReadable, 0}};
    int result = sys::poll(entries, 3, timeout == 0 ? nullptr : &left);
    out.read();
    err.read();
    // Where it cannot be polled (a seccomp filter), there is still its end to wait for, and `start` minds the timeout.
    if ((result < 0 && result != -EINTR) || (result > 0 && entries[0].revents != 0)) break;
  }
  int result = sys::wait4(pid, status);
  out.drain();
  err.drain();
  return result < 0 ? result : 0;
}

bool fail_with_outcome(Machine &m, const HookStep &s, bool in_time, int status, const Output &err) {
  size_t size = 0;
  auto put = [&](const char *text, size_t length) {
    copy_bytes(m.detail + size, text, length);
    size += length;
  };
  const int signal = status & 0x7f; // wait(2): WTERMSIG, WEXITSTATUS
  if (!in_time) {
    put("timeout ", 8);
    size += put_number(m.detail + size, static_cast<uint32_t>(s.timeout / 1000));
  } else if (signal != 0) {
    put("killed ", 7);
    size += put_number(m.detail + size, static_cast<uint32_t>(signal));
  } else {
    put("exited ", 7);
    size += put_number(m.detail + size, static_cast<uint32_t>(status >> 8 & 0xff));
  }
  put("\n", 1);
  put(err.text(), err.size());
  m.detail_length = static_cast<uint32_t>(size);
  return m.fail(0, "", s.path);
}

} // namespace

bool run(const HookStep &s, Machine &m) {
  int error = 0;
  Fd input = input_of(s, &error);
  if (!input.valid()) return m.fail(error, "memfd_create");
  Output out, err;
  Fd out_writer, err_writer;
  if (!out.open(out_writer, &error) || !err.open(err_writer, &error)) return m.fail(error, "pipe2");
  const char **argv = pointers(m, s.args, s.path.data);
  const char *const *envp = s.inherit != 0 && m.envp != nullptr ? m.envp : pointers(m, s.env, nullptr);
  void *shared = sys::mmap(sizeof(Report), PROT_READ | PROT_WRITE, 0x01 /* MAP_SHARED */ | MAP_ANONYMOUS, -1);
  if (argv == nullptr || envp == nullptr || sys::is_error(shared)) return m.fail(ENOMEM, "mmap");
  auto *report = static_cast<Report *>(shared);

  // Until the container's own program is prepared, with its mask, init's mask is one that is no program's business.
  const unsigned *mask = m.argv == nullptr ? &m.callers_mask : nullptr;
  const Child child = {s, argv, envp, {input.get(), out_writer.get(), err_writer.get()}, mask, report};
  int pidfd = -1;
  int pid = sys::fork_and_wait_for_exec(&pidfd);
  if (pid == 0) child.run();
  if (pid < 0) return m.fail(pid, "clone");
  Fd process(pidfd);
  // Else their end would never be seen.
  out_writer.reset(-1);
  err_writer.reset(-1);
  int status = 0;
  bool in_time = true;
  int result = attend(pid, pidfd, s.timeout, out, err, &status, &in_time);
  if (report->error != 0) return m.fail(report->error, report->call, s.path);
  if (result < 0) return m.fail(result, "wait4", s.path);
  return (in_time && status == 0) || fail_with_outcome(m, s, in_time, status, err);
}

} // namespace runt
