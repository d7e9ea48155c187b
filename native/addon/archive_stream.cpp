#include "archive_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>
#include <new>

#include "archive.h"
#include "archive_parser.h"
#include "failure.h"

namespace runt {

namespace {

constexpr size_t kBuffer = 256 << 10;
// What a pipe holds, where it may; the default is 64 KiB.
constexpr int kPipe = 1 << 20;

struct Pipe {
  Fd out;
  Fd in;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
  Pipe pipe = {Fd(ends[0]), Fd(ends[1])};
  // Only faster.
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipe);
  return pipe;
}

void never_wait(const Fd &fd) {
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
}

// While this lives, writing into a pipe that nobody reads fails with EPIPE and does nothing else.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoPipeSignal(const NoPipeSignal &) = delete;
  NoPipeSignal &operator=(const NoPipeSignal &) = delete;
  ~NoPipeSignal() {
    const timespec now = {};
    ::sigtimedwait(&pipe_, nullptr, &now);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_;
  sigset_t before_;
};

// Below here what runs in the confined processes.

ssize_t read_input(void *buffer, size_t size) {
  return retry([&] { return ::read(STDIN_FILENO, buffer, size); });
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = retry([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (size == -1) fail("write");
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

void tell_failure(int fd, int error, std::string_view call) {
  std::string report;
  put_failed(report, error, call);
  write_all(fd, report);
}

int run_decompressor(std::string_view start, std::atomic<uint64_t> &counter) {
  constexpr int kReport = 2;
  Sha256 digest;
  std::string report;
  try {
    decompress(
        [&](void *buffer, size_t size) {
          ssize_t got = 0;
          if (!start.empty()) {
            got = static_cast<ssize_t>(std::min(size, start.size()));
            std::memcpy(buffer, start.data(), static_cast<size_t>(got));
            start.remove_prefix(static_cast<size_t>(got));
          } else {
            got = read_input(buffer, size);
          }
          if (got > 0) {
            digest.update(buffer, static_cast<size_t>(got));
            counter += static_cast<uint64_t>(got);
          }
          return got;
        },
        [](std::string_view plain) { write_all(STDOUT_FILENO, plain); });
    put_source(report, digest.finish());
  } catch (const Refused &refused) {
    put_refused(report, refused, false);
  } catch (const SystemFailure &failure) {
    put_failed(report, failure.error, failure.syscall);
  }
  write_all(kReport, report);
  return 0;
}

int run_parser(bool contents) {
  try {
    parse_tar(
        read_input, [](std::string_view records) { write_all(STDOUT_FILENO, records); }, contents);
  } catch (const SystemFailure &failure) {
    tell_failure(STDOUT_FILENO, failure.error, failure.syscall);
  }
  return 0;
}

// A process ended without a word.
[[noreturn]] void died(Confined &process) {
  const Confined::End end = process.wait();
  if (end.signal == 0) misbehaved("ended with status " + std::to_string(end.status));
  const char *name = ::sigabbrev_np(end.signal);
  misbehaved("was ended by " + (name == nullptr ? "signal " + std::to_string(end.signal) : "SIG" + std::string(name)));
}

} // namespace

ArchiveStream::ArchiveStream(int fd, uint64_t most, bool contents) : most_(most), buffer_(kBuffer) {
  // The processes have it from here.
  archive_library();
  const PlainNames names;
  const ssize_t size = retry([&] { return ::read(fd, buffer_.data(), buffer_.size()); });
  if (size == -1) fail("read");
  std::string_view start(buffer_.data(), static_cast<size_t>(size));
  start_parser(contents);
  if (may_be_compressed(start)) {
    start_decompressor(fd, std::string(start));
    return;
  }
  plain_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!plain_.valid()) fail("fcntl");
  if (start.empty())
    end_of_plain();
  else
    take_plain(start.size());
}

void ArchiveStream::start_decompressor(int fd, std::string start) {
  constexpr size_t kPage = 4096;
  counter_ = std::make_unique<Mapping>(
      ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), kPage);
  if (!counter_->valid()) fail("mmap");
  auto *counter = new (counter_->begin()) std::atomic<uint64_t>(0);
  Pipe plain = make_pipe();
  Pipe report = make_pipe();
  decompressor_.emplace(
      std::initializer_list<int>{fd, plain.in.get(), report.in.get()},
      [&] { return run_decompressor(start, *counter); },
      [](int error, const char *call) { tell_failure(2, error, call); });
  never_wait(plain.out);
  plain_ = std::move(plain.out);
  report_ = std::move(report.out);
}

void ArchiveStream::start_parser(bool contents) {
  Pipe tar = make_pipe();
  Pipe records = make_pipe();
  parser_.emplace(
      std::initializer_list<int>{tar.out.get(), records.in.get()}, [&] { return run_parser(contents); },
      [](int error, const char *call) { tell_failure(STDOUT_FILENO, error, call); });
  never_wait(tar.in);
  never_wait(records.out);
  feed_ = std::move(tar.in);
  records_in_ = std::move(records.out);
}

ArchiveStream::Next ArchiveStream::next(Record &record, Clock::time_point until) {
  for (;;) {
    if (parsed_) {
      if (cut_short_) tell_cut();
      if (plain_ended_) return Next::Done;
    } else if (records_.next(record)) {
      switch (record.kind) {
        case RecordKind::Entry:
        case RecordKind::Data:
        case RecordKind::ContentEnd:
          return Next::Record;
        case RecordKind::End:
          parsed_ = true;
          stop_feeding();
          return Next::Record;
        case RecordKind::Refused:
          if (record.at_end && cut_short_) tell_cut();
          throw Refused{record.refused, record.name, record.text};
        case RecordKind::Failed:
          fail_with(record.error, "parse", record.text);
        case RecordKind::Source:
          misbehaved("said what another is to say");
      }
    }
    if (!pump(until)) return Next::Waiting;
  }
}

void ArchiveStream::tell_cut() const { throw Refused{cut_short_->kind, cut_short_->name, cut_short_->detail}; }

bool ArchiveStream::pump(Clock::time_point until) {
  enum { kPlain, kFeed, kRecords, kCount };
  const bool pending = begin_ < end_;
  // A negative descriptor is passed over.
  pollfd fds[kCount] = {{plain_ended_ || pending ? -1 : plain_.get(), POLLIN, 0},
                        {pending ? feed_.get() : -1, POLLOUT, 0},
                        {parsed_ ? -1 : records_in_.get(), POLLIN, 0}};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
  const int ready = ::poll(fds, kCount, static_cast<int>(std::clamp<int64_t>(left, 0, INT_MAX)));
  if (ready == -1 && errno != EINTR) fail("poll");
  if (ready <= 0) return false;
  if (fds[kRecords].revents != 0) read_records();
  if (fds[kFeed].revents != 0) feed();
  if (fds[kPlain].revents != 0) read_plain();
  return true;
}

void ArchiveStream::read_records() {
  const std::span<char> room = records_.room();
  const ssize_t size = retry([&] { return ::read(records_in_.get(), room.data(), room.size()); });
  if (size == -1 && errno != EAGAIN) fail("read");
  if (size == 0) died(*parser_);
  if (size > 0) records_.filled(static_cast<size_t>(size));
}

void ArchiveStream::feed() {
  const NoPipeSignal no_signal;
  const ssize_t size = retry([&] { return ::write(feed_.get(), buffer_.data() + begin_, end_ - begin_); });
  if (size >= 0)
    begin_ += static_cast<size_t>(size);
  else if (errno == EPIPE)
    // Its records say why.
    stop_feeding();
  else if (errno != EAGAIN)
    fail("write");
  if (plain_ended_ && begin_ == end_) stop_feeding();
}

void ArchiveStream::stop_feeding() {
  feed_.reset();
  begin_ = end_ = 0;
}

void ArchiveStream::read_plain() {
  const ssize_t size = retry([&] { return ::read(plain_.get(), buffer_.data(), buffer_.size()); });
  if (size > 0)
    take_plain(static_cast<size_t>(size));
  else if (size == 0)
    end_of_plain();
  else if (errno != EAGAIN)
    fail("read");
}

void ArchiveStream::take_plain(size_t size) {
  if (size > most_ - unpacked_) {
    cut_short_ = Refused{"bytes", "", std::to_string(most_)};
    size = static_cast<size_t>(most_ - unpacked_);
    plain_ended_ = true;
    // Nobody needs more.
    decompressor_.reset();
  }
  unpacked_ += size;
  diff_id_.update(buffer_.data(), size);
  if (!feed_.valid()) return;
  begin_ = 0;
  end_ = size;
  if (size == 0) stop_feeding();
}

void ArchiveStream::end_of_plain() {
  plain_ended_ = true;
  if (begin_ == end_) stop_feeding();
  if (!decompressor_) return;
  RecordReader report;
  for (;;) {
    Record record;
    if (report.next(record)) {
      if (record.kind == RecordKind::Failed) fail_with(record.error, "decompress", record.text);
      if (record.kind == RecordKind::Refused)
        cut_short_ = Refused{record.refused, "", record.text};
      else if (record.kind == RecordKind::Source)
        digest_ = record.text;
      else
        misbehaved("said what another is to say");
      return;
    }
    const std::span<char> room = report.room();
    const ssize_t size = retry([&] { return ::read(report_.get(), room.data(), room.size()); });
    if (size == -1) fail("read");
    if (size == 0) died(*decompressor_);
    report.filled(static_cast<size_t>(size));
  }
}

uint64_t ArchiveStream::bytes_read() const {
  if (!counter_) return unpacked_;
  // Written by a process that may be taken over: no more than a number.
  constexpr uint64_t kMost = uint64_t{1} << 53;
  return std::min(kMost, reinterpret_cast<const std::atomic<uint64_t> *>(counter_->begin())->load());
}

std::string ArchiveStream::digest() {
  if (counter_) return digest_;
  Sha256 same = diff_id_;
  return same.finish();
}

} // namespace runt
