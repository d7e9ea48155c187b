// Entries of any names, numbers and attributes: what `export` writes as a tar, `unpack` reads as the same.
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>

#include "../addon/archive.h"
#include "../addon/archive_parser.h"
#include "../addon/archive_records.h"
#include "../addon/tar_writer.h"
#include "common/private.h"

namespace {

// Takes fields out of the input.
class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value = {};
    std::memcpy(&value, bytes_.data(), std::min(sizeof value, bytes_.size()));
    bytes_.remove_prefix(std::min(sizeof value, bytes_.size()));
    return value;
  }
  // Without a NUL: names in Linux have none.
  std::string name(size_t most) {
    const std::string_view taken = bytes_.substr(0, number<uint16_t>() % (most + 1));
    bytes_.remove_prefix(std::min(taken.size(), bytes_.size()));
    std::string text(taken.substr(0, taken.find('\0')));
    return text;
  }
  std::string value(size_t most) {
    const size_t size = number<uint16_t>() % (most + 1);
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view bytes_;
};

// A path as a tree has it: no empty name, no dots.
std::string path(Input &input) {
  std::string text = input.name(4000), result;
  size_t at = 0;
  while (at <= text.size()) {
    size_t end = text.find('/', at);
    if (end == std::string::npos) end = text.size();
    const std::string part = text.substr(at, end - at);
    if (!part.empty() && part != "." && part != "..") result += (result.empty() ? "" : "/") + part.substr(0, 255);
    at = end + 1;
  }
  return result.empty() ? "x" : result;
}

runt::Source from(std::string_view &bytes) {
  return [&bytes](void *buffer, size_t size) {
    const size_t got = std::min(size, bytes.size());
    if (got > 0) std::memcpy(buffer, bytes.data(), got);
    bytes.remove_prefix(got);
    return static_cast<ssize_t>(got);
  };
}

template <class T>
void same(const char *what, const T &read, const T &written) {
  if (read != written) runt::fuzz::give_up(what);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  runt::archive_library();
  const runt::PlainNames names;
  Input input({reinterpret_cast<const char *>(data), size});
  runt::TarEntry entry;
  entry.type = "0123456"[input.number<uint8_t>() % 7];
  entry.mode = input.number<uint16_t>() & 07777;
  entry.uid = input.number<uint32_t>();
  entry.gid = input.number<uint32_t>();
  // No earlier than 1970 with a fraction, which libarchive reads otherwise than it is written; whole seconds may be.
  entry.time.tv_sec = input.number<int64_t>() % (int64_t{1} << 40);
  entry.time.tv_nsec = entry.time.tv_sec < 0 ? 0 : input.number<uint32_t>() % 1'000'000'000;
  const uint16_t device[2] = {static_cast<uint16_t>(input.number<uint16_t>() & 0xfff), input.number<uint16_t>()};
  if (entry.type == '3' || entry.type == '4') entry.device = makedev(device[0], device[1]);
  const std::string content = entry.type == '0' ? input.value(600) : "";
  entry.size = content.size();
  const std::string name = path(input);
  entry.path = name + (entry.type == '5' ? "/" : "");
  if (entry.type == '1') entry.link = path(input);
  if (entry.type == '2') entry.link = input.name(4000);
  if (entry.type == '2' && entry.link.empty()) entry.link = "/";
  for (unsigned count = input.number<uint8_t>() % 4; count > 0; count--) {
    std::string key = "user." + input.name(200);
    while (key.find('=') != std::string::npos) key[key.find('=')] = '-';
    entry.attributes[key] = input.value(1000);
  }

  std::string tar = runt::tar_header(entry) + content;
  same<size_t>("header size", (tar.size() - content.size()) % runt::kTarBlock, 0);
  tar.resize((tar.size() + runt::kTarBlock - 1) / runt::kTarBlock * runt::kTarBlock + 2 * runt::kTarBlock, '\0');
  std::string records;
  std::string_view rest = tar;
  runt::parse_tar(
      from(rest), [&](std::string_view more) { records.append(more); }, true);

  runt::RecordReader reader;
  std::string_view bytes = records;
  runt::Record record;
  std::string read_content;
  bool seen = false;
  for (bool more = true; more;) {
    while (reader.next(record)) {
      switch (record.kind) {
        case runt::RecordKind::Entry: {
          const runt::Entry &read = record.entry;
          same("two entries", seen, false);
          seen = true;
          same("path", read.path, entry.path);
          if (entry.type == '1') {
            same("hard link", read.hardlink, entry.link);
            break;
          }
          same("mode", read.mode, entry.mode);
          same<int64_t>("uid", read.uid, entry.uid);
          same<int64_t>("gid", read.gid, entry.gid);
          same<int64_t>("seconds", read.seconds, entry.time.tv_sec);
          same<int64_t>("nanoseconds", read.nanoseconds, entry.time.tv_nsec);
          if (entry.type == '2') same("symlink", read.symlink, entry.link);
          if (entry.device != 0) {
            same<unsigned>("major", read.device_major, device[0]);
            same<unsigned>("minor", read.device_minor, device[1]);
          }
          runt::Attributes attributes(read.xattrs.begin(), read.xattrs.end());
          same("attributes", attributes, entry.attributes);
          break;
        }
        case runt::RecordKind::Data:
          same<uint64_t>("place", record.offset, read_content.size());
          read_content.append(record.data);
          break;
        case runt::RecordKind::End:
        case runt::RecordKind::Refused:
          if (record.kind == runt::RecordKind::Refused) {
            std::fprintf(stderr, "%s: %s\n", record.refused, record.text.c_str());
            std::abort();
          }
          more = false;
          break;
        case runt::RecordKind::ContentEnd:
          break;
        case runt::RecordKind::Failed:
        case runt::RecordKind::Source:
          runt::fuzz::give_up("a record that the parser has not");
      }
    }
    if (!more) break;
    if (bytes.empty()) runt::fuzz::give_up("no end");
    const std::span<char> room = reader.room();
    const size_t part = std::min(room.size(), bytes.size());
    std::copy_n(bytes.data(), part, room.data());
    reader.filled(part);
    bytes.remove_prefix(part);
  }
  same("entry", seen, true);
  same("content", read_content, content);
  return 0;
}
