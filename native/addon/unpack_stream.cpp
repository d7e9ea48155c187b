#include "unpack_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "failure.h"

namespace runt {

namespace {

constexpr size_t kBuffer = 256 << 10;

Archive make_reader() {
  Archive reader(archive_library().make());
  if (!reader) fail_with(ENOMEM, "archive_read_new");
  return reader;
}

// A warning would mean that the library runs a program for it.
void support(int status, const char *what) {
  if (status != ArchiveLibrary::kOk) fail_with(ENOSYS, "libarchive", std::string("libarchive.so.13 has no ") + what);
}

} // namespace

TarStream::TarStream(int fd, uint64_t most)
    : source_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)),
      most_(most),
      buffer_(kBuffer),
      plain_(make_reader()),
      tar_(make_reader()) {
  if (!source_.valid()) fail("fcntl");
  const ArchiveLibrary &lib = archive_library();
  support(lib.filter_gzip(plain_.get()), "gzip");
  support(lib.filter_zstd(plain_.get()), "zstd");
  support(lib.format_raw(plain_.get()), "raw format");
  support(lib.format_empty(plain_.get()), "empty format");
  support(lib.format_tar(tar_.get()), "tar");
  support(lib.format_empty(tar_.get()), "empty format");
  if (lib.open(plain_.get(), this, nullptr, read_source, nullptr) != ArchiveLibrary::kOk) refuse(plain_.get(), "");
  archive_entry *whole = nullptr;
  const int status = lib.next_header(plain_.get(), &whole);
  if (status == ArchiveLibrary::kEnd)
    plain_ended_ = true;
  else if (status != ArchiveLibrary::kOk)
    refuse(plain_.get(), "");
  if (lib.open(tar_.get(), this, nullptr, read_plain, nullptr) != ArchiveLibrary::kOk) refuse(tar_.get(), "");
}

ssize_t TarStream::fill(const void **block) {
  const ssize_t size = retry([&] { return ::read(source_.get(), buffer_.data(), buffer_.size()); });
  if (size == -1) fail("read");
  digest_.update(buffer_.data(), static_cast<size_t>(size));
  read_ += static_cast<uint64_t>(size);
  *block = buffer_.data();
  return size;
}

ssize_t TarStream::decompress(const void **block) {
  size_t size = 0;
  while (!plain_ended_ && size == 0) {
    int64_t offset = 0;
    const int status = archive_library().data_block(plain_.get(), block, &size, &offset);
    if (status == ArchiveLibrary::kEnd) {
      plain_ended_ = true;
      size = 0;
    } else if (status != ArchiveLibrary::kOk) {
      refuse(plain_.get(), "");
    }
  }
  if (size > most_ - unpacked_) throw Refused{"bytes", "", std::to_string(most_)};
  unpacked_ += size;
  diff_id_.update(*block, size);
  return static_cast<ssize_t>(size);
}

ssize_t TarStream::read_source(archive * /*reader*/, void *self, const void **block) {
  auto *stream = static_cast<TarStream *>(self);
  try {
    return stream->fill(block);
  } catch (...) {
    stream->failure_ = std::current_exception();
    return -1;
  }
}

ssize_t TarStream::read_plain(archive * /*reader*/, void *self, const void **block) {
  auto *stream = static_cast<TarStream *>(self);
  try {
    return stream->decompress(block);
  } catch (...) {
    stream->failure_ = std::current_exception();
    return -1;
  }
}

void TarStream::refuse(archive *reader, const std::string &name) {
  if (failure_) std::rethrow_exception(failure_);
  const char *why = archive_library().error(reader);
  throw Refused{reader == plain_.get() ? "compression" : "tar", name, why == nullptr ? "" : why};
}

archive_entry *TarStream::next() {
  archive_entry *entry = nullptr;
  const int status = archive_library().next_header(tar_.get(), &entry);
  if (status == ArchiveLibrary::kEnd) return nullptr;
  if (status == ArchiveLibrary::kOk) return entry;
  // In the C locale no name outside of ASCII can be converted; it is then what the archive has, which is what is
  // wanted.
  const char *why = archive_library().error(tar_.get());
  if (status == ArchiveLibrary::kWarning && why != nullptr && std::strstr(why, "can't be converted") != nullptr)
    return entry;
  const char *name = entry == nullptr ? nullptr : archive_library().path(entry);
  refuse(tar_.get(), name == nullptr ? "" : name);
}

bool TarStream::content(const void **block, size_t *size, int64_t *offset) {
  const int status = archive_library().data_block(tar_.get(), block, size, offset);
  if (status == ArchiveLibrary::kEnd) return false;
  if (status != ArchiveLibrary::kOk) refuse(tar_.get(), "");
  return true;
}

bool TarStream::drain() {
  const void *block = nullptr;
  if (!plain_ended_) {
    decompress(&block);
    return false;
  }
  return fill(&block) == 0;
}

} // namespace runt
