#include "tar_writer.h"

#include <sys/sysmacros.h>

#include <cstring>
#include <string_view>

namespace runt {

namespace {

constexpr size_t kName = 100;
// Of the numbers: a field of so many bytes has one octal digit less, and a NUL.
constexpr size_t kShortField = 8, kLongField = 12;

// pax(1), "ustar Interchange Format".
struct Header {
  char name[kName];
  char mode[kShortField];
  char uid[kShortField];
  char gid[kShortField];
  char size[kLongField];
  char time[kLongField];
  char checksum[8];
  char type;
  char link[kName];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[kShortField];
  char minor[kShortField];
  char prefix[155];
  char rest[12];
};
static_assert(sizeof(Header) == kTarBlock);

bool fits(uint64_t value, size_t field) { return value >> (3 * (field - 1)) == 0; }

// A value that does not fit stands in an extended header, and is 0 here.
void put_number(char *field, size_t size, uint64_t value) {
  if (!fits(value, size)) value = 0;
  field[size - 1] = '\0';
  for (size_t at = size - 1; at-- > 0; value >>= 3) field[at] = static_cast<char>('0' + (value & 7));
}

// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
void add_record(std::string &records, const std::string &key, const std::string &value) {
  const size_t bare = key.size() + value.size() + 3;
  size_t length = bare + std::to_string(bare).size();
  length = bare + std::to_string(length).size();
  records.append(std::to_string(length)).append(" ").append(key).append("=").append(value).append("\n");
}

// RFC 3629
bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) continue;
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || text.size() - at < more) return false;
    const auto second = static_cast<unsigned char>(text[at]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f))
      return false;
    for (size_t i = 0; i < more; i++, at++)
      if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return false;
  }
  return true;
}

bool is_whole(const timespec &time) {
  return time.tv_nsec == 0 && time.tv_sec >= 0 && fits(static_cast<uint64_t>(time.tv_sec), kLongField);
}

std::string extended_records(const TarEntry &entry) {
  std::string records;
  const bool long_path = entry.path.size() > kName;
  const bool long_link = entry.link.size() > kName;
  // Names in an extended header count as UTF-8 unless it says otherwise.
  if ((long_path && !is_utf8(entry.path)) || (long_link && !is_utf8(entry.link)))
    add_record(records, "hdrcharset", "BINARY");
  if (long_path) add_record(records, "path", entry.path);
  if (long_link) add_record(records, "linkpath", entry.link);
  if (!fits(entry.size, kLongField)) add_record(records, "size", std::to_string(entry.size));
  if (!fits(entry.uid, kShortField)) add_record(records, "uid", std::to_string(entry.uid));
  if (!fits(entry.gid, kShortField)) add_record(records, "gid", std::to_string(entry.gid));
  if (!is_whole(entry.time)) add_record(records, "mtime", tar_time(entry.time));
  for (const auto &[name, value] : entry.attributes) add_record(records, "SCHILY.xattr." + name, value);
  return records;
}

void add_header(std::string &to, const TarEntry &entry) {
  Header header = {};
  std::memcpy(header.name, entry.path.data(), std::min(entry.path.size(), kName));
  std::memcpy(header.link, entry.link.data(), std::min(entry.link.size(), kName));
  put_number(header.mode, sizeof header.mode, entry.mode);
  put_number(header.uid, sizeof header.uid, entry.uid);
  put_number(header.gid, sizeof header.gid, entry.gid);
  put_number(header.size, sizeof header.size, entry.size);
  put_number(header.time, sizeof header.time, entry.time.tv_sec < 0 ? 0 : static_cast<uint64_t>(entry.time.tv_sec));
  put_number(header.major, sizeof header.major, major(entry.device));
  put_number(header.minor, sizeof header.minor, minor(entry.device));
  header.type = entry.type;
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  std::memset(header.checksum, ' ', sizeof header.checksum);
  const auto *bytes = reinterpret_cast<const unsigned char *>(&header);
  uint64_t sum = 0;
  for (size_t i = 0; i < sizeof header; i++) sum += bytes[i];
  // Six digits, a NUL and a space.
  put_number(header.checksum, sizeof header.checksum - 1, sum);
  to.append(reinterpret_cast<const char *>(&header), sizeof header);
}

} // namespace

std::string tar_time(const timespec &time) {
  // -1.5 is kept as -2 and half a second.
  const bool below = time.tv_sec < 0 && time.tv_nsec != 0;
  const int64_t seconds = below ? time.tv_sec + 1 : time.tv_sec;
  std::string text = below && seconds == 0 ? "-0" : std::to_string(seconds);
  if (time.tv_nsec == 0) return text;
  std::string digits = std::to_string(1'000'000'000 + (below ? 1'000'000'000 - time.tv_nsec : time.tv_nsec));
  digits[0] = '.';
  digits.resize(digits.find_last_not_of('0') + 1);
  return text + digits;
}

std::string tar_header(const TarEntry &entry) {
  std::string result;
  const std::string records = extended_records(entry);
  if (!records.empty()) {
    const size_t end = entry.path.find_last_not_of('/');
    const std::string whole = entry.path.substr(0, end == std::string::npos ? 0 : end + 1);
    TarEntry extended;
    // Programs that do not know of such headers make a file of it.
    extended.path = "PaxHeaders/" + whole.substr(whole.rfind('/') + 1);
    extended.path.resize(std::min(extended.path.size(), kName));
    extended.type = 'x';
    extended.mode = 0644;
    extended.size = records.size();
    add_header(result, extended);
    result.append(records);
    result.resize((result.size() + kTarBlock - 1) / kTarBlock * kTarBlock, '\0');
  }
  add_header(result, entry);
  return result;
}

} // namespace runt
