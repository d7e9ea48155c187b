#include "archive_parser.h"

#include <sys/stat.h>

#include <cstring>
#include <exception>
#include <vector>

#include "archive.h"
#include "archive_records.h"
#include "failure.h"

namespace runt {

namespace {

constexpr size_t kBuffer = 256 << 10;
// Records are handed on when there are so many bytes of them.
constexpr size_t kPacket = 256 << 10;

Archive make_reader() {
  Archive reader(archive_library().make());
  if (!reader) fail_with(ENOMEM, "archive_read_new");
  return reader;
}

// A warning would mean that the library runs a program for it.
void support(int status, const char *what) {
  if (status != ArchiveLibrary::kOk) fail_with(ENOSYS, "libarchive", std::string("libarchive.so.13 has no ") + what);
}

// A reader of the library on a source.
class Reader {
 public:
  explicit Reader(const Source &source) : source_(source), buffer_(kBuffer), archive_(make_reader()) {}
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;

  archive *get() const { return archive_.get(); }
  bool at_end() const { return at_end_; }

  // False: the library has an error.
  bool open() { return archive_library().open(archive_.get(), this, nullptr, read, nullptr) == ArchiveLibrary::kOk; }

  // Reads on until nothing comes.
  void drain() {
    while (fill() > 0) {
    }
  }

  // What the library says, after what was kept by the callback was thrown.
  std::string error() const {
    if (failure_) std::rethrow_exception(failure_);
    const char *why = archive_library().error(archive_.get());
    return why == nullptr || *why == '\0' ? "it is damaged, or its end is missing" : why;
  }

 private:
  static ssize_t read(archive * /*reader*/, void *self, const void **block) {
    auto *reader = static_cast<Reader *>(self);
    // No exception may pass through the library.
    try {
      *block = reader->buffer_.data();
      return reader->fill();
    } catch (...) {
      reader->failure_ = std::current_exception();
      return -1;
    }
  }

  ssize_t fill() {
    const ssize_t size = source_(buffer_.data(), buffer_.size());
    if (size == -1) fail("read");
    if (size == 0) at_end_ = true;
    return size;
  }

  const Source &source_;
  std::vector<char> buffer_;
  bool at_end_ = false;
  std::exception_ptr failure_;
  Archive archive_;
};

std::string text_of(const char *text) { return text == nullptr ? "" : text; }

uint32_t device_number(dev_t number) { return static_cast<uint32_t>(number); }

void read_entry(archive_entry *from, Entry &entry) {
  const ArchiveLibrary &lib = archive_library();
  entry.path = text_of(lib.path(from));
  const char *link = lib.hardlink(from);
  entry.linked = link != nullptr;
  entry.hardlink = text_of(link);
  entry.symlink = text_of(lib.symlink(from));
  entry.type = lib.file_type(from);
  entry.mode = lib.mode(from) & 07777;
  entry.uid = lib.uid(from);
  entry.gid = lib.gid(from);
  entry.size = lib.size(from);
  entry.seconds = lib.mtime(from);
  entry.nanoseconds = static_cast<uint32_t>(lib.mtime_nanoseconds(from));
  const bool device = entry.type == S_IFCHR || entry.type == S_IFBLK;
  entry.device_major = device ? device_number(lib.device_major(from)) : 0;
  entry.device_minor = device ? device_number(lib.device_minor(from)) : 0;
  entry.xattrs.clear();
  const char *name = nullptr;
  const void *value = nullptr;
  size_t size = 0;
  lib.xattr_reset(from);
  while (lib.xattr_next(from, &name, &value, &size) == ArchiveLibrary::kOk) {
    if (name != nullptr) entry.xattrs.emplace_back(name, std::string(static_cast<const char *>(value), size));
  }
}

class Tar {
 public:
  Tar(const Source &source, const Sink &records, bool contents)
      : reader_(source), sink_(records), contents_(contents) {}

  void run() {
    try {
      const ArchiveLibrary &lib = archive_library();
      support(lib.format_tar(reader_.get()), "tar");
      support(lib.format_empty(reader_.get()), "empty format");
      if (!reader_.open()) refuse("");
      Entry entry;
      while (next(entry)) {
        put_entry(records_, entry);
        if (entry.type == S_IFREG && !entry.linked) content(entry);
        hand_on(kPacket);
      }
      put_mark(records_, RecordKind::End);
    } catch (const Refused &refused) {
      put_refused(records_, refused, reader_.at_end());
    }
    hand_on(0);
  }

 private:
  [[noreturn]] void refuse(const std::string &name) const { throw Refused{"tar", name, reader_.error()}; }

  void hand_on(size_t least) {
    if (records_.size() <= least) return;
    sink_(records_);
    records_.clear();
  }

  bool next(Entry &entry) {
    const ArchiveLibrary &lib = archive_library();
    archive_entry *found = nullptr;
    const int status = lib.next_header(reader_.get(), &found);
    if (status == ArchiveLibrary::kEnd) return false;
    if (status != ArchiveLibrary::kOk) {
      // In the C locale no name outside of ASCII can be converted; it is then what the archive has, which is what is
      // wanted.
      const char *why = lib.error(reader_.get());
      if (status != ArchiveLibrary::kWarning || why == nullptr || std::strstr(why, "can't be converted") == nullptr)
        refuse(found == nullptr ? "" : text_of(lib.path(found)));
    }
    read_entry(found, entry);
    // The times of a damaged header are no reason to refuse what is in it.
    if (entry.nanoseconds >= 1'000'000'000) entry.nanoseconds = 0;
    if (entry.size < 0) throw Refused{"tar", entry.path, "Negative size"};
    return true;
  }

  void content(const Entry &entry) {
    const void *block = nullptr;
    size_t size = 0;
    int64_t offset = 0;
    for (;;) {
      const int status = archive_library().data_block(reader_.get(), &block, &size, &offset);
      if (status == ArchiveLibrary::kEnd) break;
      if (status != ArchiveLibrary::kOk) refuse(entry.path);
      if (offset < 0) throw Refused{"tar", entry.path, "Negative offset"};
      if (size == 0 || !contents_) continue;
      put_data(records_, static_cast<uint64_t>(offset), {static_cast<const char *>(block), size});
      hand_on(kPacket);
    }
    put_mark(records_, RecordKind::ContentEnd);
  }

  Reader reader_;
  const Sink &sink_;
  const bool contents_;
  std::string records_;
};

} // namespace

bool may_be_compressed(std::string_view start) {
  if (start.empty()) return false;
  // RFC 1952; RFC 8878, 3.1.1 and 3.1.2 (skippable frames).
  const auto first = static_cast<unsigned char>(start[0]);
  return first == 0x1f || first == 0x28 || (first & 0xf0) == 0x50;
}

void decompress(const Source &source, const Sink &plain) {
  const ArchiveLibrary &lib = archive_library();
  Reader reader(source);
  support(lib.filter_gzip(reader.get()), "gzip");
  support(lib.filter_zstd(reader.get()), "zstd");
  support(lib.format_raw(reader.get()), "raw format");
  support(lib.format_empty(reader.get()), "empty format");
  const auto refuse = [&] { throw Refused{"compression", "", reader.error()}; };
  if (!reader.open()) refuse();
  archive_entry *whole = nullptr;
  int status = lib.next_header(reader.get(), &whole);
  while (status != ArchiveLibrary::kEnd) {
    if (status != ArchiveLibrary::kOk) refuse();
    const void *block = nullptr;
    size_t size = 0;
    int64_t offset = 0;
    status = lib.data_block(reader.get(), &block, &size, &offset);
    if (status == ArchiveLibrary::kOk && size > 0) plain({static_cast<const char *>(block), size});
  }
  reader.drain();
}

void parse_tar(const Source &source, const Sink &records, bool contents) { Tar(source, records, contents).run(); }

} // namespace runt
