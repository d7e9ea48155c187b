#include "archive_records.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <cstring>

namespace runt {

namespace {

constexpr size_t kHeader = 2 * sizeof(uint32_t);
constexpr size_t kBuffer = 512 << 10;
constexpr size_t kMaxText = 1024;
constexpr uint32_t kNanoseconds = 1'000'000'000;
// Those that Refused can be about, by their number.
constexpr const char *kRefusals[] = {"compression", "tar"};

template <class Number>
void put(std::string &to, Number number) {
  to.append(reinterpret_cast<const char *>(&number), sizeof number);
}

void put_string(std::string &to, std::string_view text) {
  put(to, static_cast<uint32_t>(text.size()));
  to.append(text);
}

// Writes the header, then the content, then the size into the header.
template <class Content>
void put_record(std::string &to, RecordKind kind, Content &&content) {
  const size_t start = to.size();
  put(to, static_cast<uint32_t>(kind));
  put(to, uint32_t{0});
  content();
  const auto size = static_cast<uint32_t>(to.size() - start - kHeader);
  std::memcpy(to.data() + start + sizeof(uint32_t), &size, sizeof size);
}

[[noreturn]] void malformed(const char *what) { misbehaved(std::string("reported what it never does (") + what + ")"); }

// The fields of one record; whatever does not fit is an error.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number result;
    std::memcpy(&result, bytes(sizeof result).data(), sizeof result);
    return result;
  }

  std::string_view bytes(size_t size) {
    if (size > rest_.size()) malformed("short record");
    const std::string_view result = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return result;
  }

  std::string_view string() { return bytes(number<uint32_t>()); }

  // A name: the kernel would cut it at a NUL.
  std::string name() {
    const std::string_view text = string();
    if (text.find('\0') != std::string_view::npos) malformed("NUL in a name");
    return std::string(text);
  }

  std::string_view rest() { return bytes(rest_.size()); }

  void end() const {
    if (!rest_.empty()) malformed("long record");
  }

 private:
  std::string_view rest_;
};

Entry entry_in(Fields &fields) {
  Entry entry;
  entry.type = fields.number<uint32_t>();
  entry.mode = fields.number<uint32_t>();
  entry.uid = fields.number<int64_t>();
  entry.gid = fields.number<int64_t>();
  entry.size = fields.number<int64_t>();
  entry.seconds = fields.number<int64_t>();
  entry.nanoseconds = fields.number<uint32_t>();
  entry.device_major = fields.number<uint32_t>();
  entry.device_minor = fields.number<uint32_t>();
  const auto linked = fields.number<uint32_t>();
  entry.linked = linked == 1;
  entry.path = fields.name();
  entry.hardlink = fields.name();
  entry.symlink = fields.name();
  for (auto count = fields.number<uint32_t>(); count > 0; count--) {
    std::string name = fields.name();
    entry.xattrs.emplace_back(std::move(name), fields.string());
  }
  // UTIME_NOW and UTIME_OMIT are no times.
  if (linked > 1 || (entry.type & ~static_cast<mode_t>(S_IFMT)) != 0 || (entry.mode & ~mode_t{07777}) != 0 ||
      entry.size < 0 || entry.nanoseconds >= kNanoseconds) {
    malformed("entry out of range");
  }
  return entry;
}

// What the library says may quote the archive, and ends on a terminal.
std::string printable(std::string_view text) {
  std::string result(text.substr(0, kMaxText));
  for (char &character : result)
    if (character < 0x20 || character > 0x7e) character = '?';
  return result;
}

} // namespace

void misbehaved(const std::string &what) { throw Refused{"parser", "", what}; }

void put_entry(std::string &to, const Entry &entry) {
  size_t size = entry.path.size() + entry.symlink.size() + entry.hardlink.size();
  for (const auto &[name, value] : entry.xattrs) size += name.size() + value.size() + 2 * sizeof(uint32_t);
  if (size > kMaxRecord - 4096) throw Refused{"tar", entry.path.substr(0, PATH_MAX), "Headers are too large"};
  put_record(to, RecordKind::Entry, [&] {
    put(to, static_cast<uint32_t>(entry.type));
    put(to, static_cast<uint32_t>(entry.mode));
    put(to, entry.uid);
    put(to, entry.gid);
    put(to, entry.size);
    put(to, entry.seconds);
    put(to, entry.nanoseconds);
    put(to, entry.device_major);
    put(to, entry.device_minor);
    put(to, static_cast<uint32_t>(entry.linked));
    put_string(to, entry.path);
    put_string(to, entry.hardlink);
    put_string(to, entry.symlink);
    put(to, static_cast<uint32_t>(entry.xattrs.size()));
    for (const auto &[name, value] : entry.xattrs) {
      put_string(to, name);
      put_string(to, value);
    }
  });
}

void put_data(std::string &to, uint64_t offset, std::string_view data) {
  do {
    const std::string_view piece = data.substr(0, kMaxData);
    put_record(to, RecordKind::Data, [&] {
      put(to, offset);
      to.append(piece);
    });
    offset += piece.size();
    data.remove_prefix(piece.size());
  } while (!data.empty());
}

void put_mark(std::string &to, RecordKind kind) {
  put_record(to, kind, [] {});
}

void put_refused(std::string &to, const Refused &refused, bool at_end) {
  put_record(to, RecordKind::Refused, [&] {
    put(to, static_cast<uint32_t>(std::strcmp(refused.kind, kRefusals[0]) == 0 ? 0 : 1));
    put(to, static_cast<uint32_t>(at_end));
    put_string(to, std::string_view(refused.name).substr(0, PATH_MAX));
    put_string(to, std::string_view(refused.detail).substr(0, kMaxText));
  });
}

void put_failed(std::string &to, int error, std::string_view call) {
  put_record(to, RecordKind::Failed, [&] {
    put(to, static_cast<uint32_t>(error));
    put_string(to, call.substr(0, kMaxText));
  });
}

void put_source(std::string &to, std::string_view digest) {
  put_record(to, RecordKind::Source, [&] { put_string(to, digest); });
}

std::span<char> RecordReader::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.empty()) buffer_.resize(kBuffer);
  // next() has refused what is larger.
  if (end_ == buffer_.size()) buffer_.resize(kHeader + kMaxRecord);
  return {buffer_.data() + end_, buffer_.size() - end_};
}

bool RecordReader::next(Record &record) {
  if (end_ - begin_ < kHeader) return false;
  uint32_t header[2];
  std::memcpy(header, buffer_.data() + begin_, kHeader);
  const size_t size = header[1];
  if (size > kMaxRecord) malformed("record too large");
  if (end_ - begin_ - kHeader < size) return false;
  Fields fields({buffer_.data() + begin_ + kHeader, size});
  begin_ += kHeader + size;
  record.kind = static_cast<RecordKind>(header[0]);
  switch (record.kind) {
    case RecordKind::Entry:
      record.entry = entry_in(fields);
      break;
    case RecordKind::Data:
      record.offset = fields.number<uint64_t>();
      record.data = fields.rest();
      if (record.offset > INT64_MAX || record.data.size() > INT64_MAX - record.offset) malformed("place out of range");
      break;
    case RecordKind::ContentEnd:
    case RecordKind::End:
      break;
    case RecordKind::Refused: {
      const auto which = fields.number<uint32_t>();
      if (which >= std::size(kRefusals)) malformed("unknown refusal");
      record.refused = kRefusals[which];
      record.at_end = fields.number<uint32_t>() != 0;
      record.name = fields.name();
      record.text = printable(fields.string());
      break;
    }
    case RecordKind::Failed:
      record.error = static_cast<int>(fields.number<uint32_t>() & 0xfff);
      record.text = printable(fields.string());
      break;
    case RecordKind::Source:
      record.text = fields.string();
      if (record.text.size() != 64 || record.text.find_first_not_of("0123456789abcdef") != std::string::npos)
        malformed("digest");
      break;
    default:
      malformed("unknown record");
  }
  fields.end();
  return true;
}

} // namespace runt
