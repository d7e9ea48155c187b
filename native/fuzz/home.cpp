// The container's /etc/passwd, of which init takes the home directory of a user.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "../init/steps.h"
#include "common/private.h"

namespace {

// The home directory of the first line that is this user's, as passwd(5) has it; lines end at a NUL.
std::string expected(std::string_view file, uint32_t uid) {
  constexpr size_t kLongest = 4095;
  while (!file.empty()) {
    const size_t end = file.find('\n');
    std::string_view line = file.substr(0, std::min(end, kLongest));
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
    line = line.substr(0, line.find('\0'));
    std::string_view fields[6];
    size_t count = 0;
    for (; count < 6; count++) {
      const size_t colon = line.find(':');
      fields[count] = line.substr(0, colon);
      if (colon == std::string_view::npos) break;
      line.remove_prefix(colon + 1);
    }
    if (count < 5 || fields[2].empty() || fields[2].find_first_not_of("0123456789") != std::string_view::npos) continue;
    const std::string digits(fields[2].substr(std::min(fields[2].find_first_not_of('0'), fields[2].size())));
    if ((digits.empty() ? "0" : digits) != std::to_string(uid)) continue;
    return fields[5].empty() ? "/" : std::string(fields[5]);
  }
  return "/";
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const bool prepared = [] {
    runt::fuzz::private_tmp();
    runt::fuzz::write_file("/tmp/passwd", "");
    runt::fuzz::cover("/etc/passwd", "/tmp/passwd");
    return true;
  }();
  (void)prepared;
  if (size < 4) return 0;
  uint32_t uid = 0;
  std::memcpy(&uid, data, sizeof uid);
  const std::string_view file(reinterpret_cast<const char *>(data) + 4, size - 4);
  runt::fuzz::write_file("/tmp/passwd", file);
  runt::Machine machine(-1, 0);
  runt::HomeStep step = {};
  step.uid = uid;
  if (!runt::run(step, machine)) runt::fuzz::give_up("home");
  if (machine.home != "HOME=" + expected(file, uid)) {
    std::fprintf(stderr, "%s instead of %s\n", machine.home, expected(file, uid).c_str());
    std::abort();
  }
  // A machine never gives its memory back; its first begins with this.
  ::madvise(const_cast<char *>(machine.home), 8192, MADV_DONTNEED);
  return 0;
}
