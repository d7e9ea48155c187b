// Steps on the program: where it runs, what it is given, how it is found, and its execution.
#include <linux/prctl.h>

#include "steps.h"

namespace runt {
namespace {

constexpr size_t kPathMax = 4096;
constexpr int kExecutable = 1;             // X_OK
constexpr unsigned kCloseOnExec = 1U << 2; // CLOSE_RANGE_CLOEXEC
constexpr const char *kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// 0 if the file can be executed, else -errno, as execvp(3) and runc's look-up tell it.
int executable(const char *path) {
  struct statx status;
  // allow path: in the container’s own root, with the rights of its user
  int result = sys::statx(AT_FDCWD, path, 0, &status);
  if (result < 0) return result;
  if ((status.stx_mode & kTypeMask) == kTypeDirectory) return -EISDIR;
  // allow path: the same
  return sys::faccessat2(AT_FDCWD, path, kExecutable, AT_EACCESS);
}

// Whether it is the machine that cannot look at a file, and not that the image has none of use.
bool is_shortage(int error) { return error == -EIO || error == -EMFILE || error == -ENFILE || error == -ENOMEM; }

const char *variable(const Machine &m, const char *prefix) {
  for (uint32_t i = 0; i < m.env_count; i++)
    if (starts_with(m.envp[i], prefix)) return m.envp[i] + length_of(prefix);
  return nullptr;
}

// Looks the name up in PATH; the program's path goes into `path`. 0 or -errno.
int find(const Machine &m, Str name, char *path) {
  const char *at = variable(m, "PATH=");
  if (at == nullptr || *at == 0) at = kDefaultPath;
  int error = -ENOENT;
  for (;;) {
    size_t size = 0;
    while (at[size] != 0 && at[size] != ':') size++;
    // An empty entry is the working directory.
    size_t prefix = size == 0 ? 1 : size;
    if (prefix + name.length + 2 <= kPathMax) {
      copy_bytes(path, size == 0 ? "." : at, prefix);
      path[prefix] = '/';
      copy_bytes(path + prefix + 1, name.data, name.length + 1);
      int result = executable(path);
      if (result == 0 || is_shortage(result)) return result;
      // A file that is there but cannot be executed is worth more than one that is not there.
      if (result == -EACCES || result == -EPERM) error = -EACCES;
    }
    if (at[size] == 0) return error;
    at += size + 1;
  }
}

// Reads one line of at most `size - 1` bytes; longer ones are cut. False at the end, and where reading fails: then
// `error` is set.
struct Lines {
  int fd;
  char buffer[4096];
  long filled = 0, at = 0;
  size_t total = 0;
  int error = 0;

  bool next(char *line, size_t size) {
    constexpr size_t kMaxFile = 4 << 20;
    size_t length = 0;
    for (;;) {
      if (at == filled) {
        filled = total < kMaxFile ? sys::read(fd, buffer, sizeof buffer) : 0;
        at = 0;
        if (filled < 0) error = static_cast<int>(filled);
        if (filled <= 0) {
          filled = 0;
          if (error != 0) return false;
          line[length] = 0;
          return length > 0;
        }
        total += static_cast<size_t>(filled);
      }
      char c = buffer[at++];
      if (c == '\n') {
        line[length] = 0;
        return true;
      }
      if (length + 1 < size) line[length++] = c;
    }
  }
};

// The start of field `index` of a line of passwd(5), whose end is made a NUL; null if there are too few.
char *field(char *line, int index) {
  char *at = line;
  for (; index > 0; index--) {
    while (*at != 0 && *at != ':') at++;
    if (*at == 0) return nullptr;
    at++;
  }
  return at;
}

bool same_number(const char *text, uint32_t value) {
  uint64_t number = 0;
  if (*text < '0' || *text > '9') return false;
  for (; *text >= '0' && *text <= '9'; text++) {
    number = number * 10 + static_cast<uint64_t>(*text - '0');
    if (number > 0xffffffff) return false;
  }
  return *text == ':' && number == value;
}

// Copies the home directory of `uid` out of the passwd file, or "/" if there is none. Returns what read(2) failed with,
// or 0.
int home_of(int fd, uint32_t uid, char *home) {
  char line[kPathMax];
  Lines lines = {fd, {}, 0, 0, 0, 0};
  while (lines.next(line, sizeof line)) {
    char *id = field(line, 2), *directory = field(line, 5);
    if (id == nullptr || directory == nullptr || !same_number(id, uid)) continue;
    size_t length = 0;
    while (directory[length] != 0 && directory[length] != ':') length++;
    if (length == 0) break;
    copy_bytes(home, directory, length);
    home[length] = 0;
    return 0;
  }
  copy_bytes(home, "/", 2);
  return lines.error;
}

} // namespace

bool run(const ChdirStep &s, Machine &m) {
  Fd root(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return m.fail(root.get(), "openat", "/");
  const char *call = "";
  Fd directory = open_in(root.get(), s.path, s.make, 0755, 1, &call);
  if (directory.get() < 0) return m.fail(directory.get(), call, s.path);
  int result = sys::fchdir(directory.get());
  if (result < 0) return m.fail(result, "fchdir", s.path);
  // A directory outside of the root, reached through a leaked descriptor, has no path from it (CVE-2024-21626).
  char path[kPathMax];
  long size = sys::getcwd(path, sizeof path);
  if (size < 0) return m.fail(static_cast<int>(size), "getcwd", s.path);
  return path[0] == '/' || m.fail(EXDEV, "getcwd", s.path);
}

bool run(const HomeStep &s, Machine &m) {
  static const char prefix[] = "HOME=";
  auto *text = static_cast<char *>(m.allocate(sizeof prefix + kPathMax));
  if (text == nullptr) return m.fail(ENOMEM, "mmap");
  copy_bytes(text, prefix, sizeof prefix - 1);
  char *home = text + sizeof prefix - 1;
  copy_bytes(home, "/", 2);
  m.home = text;
  Fd root(sys::openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root.get() < 0) return m.fail(root.get(), "openat", "/");
  // Not blocked by a fifo, not fooled by a device: only a regular file is read, and none of procfs, whose files look
  // like it, but some of them (kmsg) wait, or lose what is read.
  Fd passwd(sys::openat2(root.get(), "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0,
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  struct statx status;
  if (passwd.get() < 0) return !is_shortage(passwd.get()) || m.fail(passwd.get(), "openat2", "/etc/passwd");
  int result = sys::statx(passwd.get(), "", AT_EMPTY_PATH, &status);
  if (result < 0) return m.fail(result, "statx", "/etc/passwd");
  if ((status.stx_mode & kTypeMask) != kTypeRegular) return true;
  const long type = sys::filesystem_type(passwd.get());
  if (type < 0) return m.fail(static_cast<int>(type), "fstatfs", "/etc/passwd");
  if (type == kProcMagic) return true;
  result = home_of(passwd.get(), s.uid, home);
  return result == 0 || m.fail(result, "read", "/etc/passwd");
}

bool run(const ProgramStep &s, Machine &m) {
  if (s.args.count == 0) return m.fail(EINVAL, "execve", "no arguments");
  // Room for HOME, LISTEN_PID and the end.
  m.argv = static_cast<const char **>(m.allocate(sizeof(char *) * (s.args.count + 1)));
  m.envp = static_cast<const char **>(m.allocate(sizeof(char *) * (s.env.count + 3)));
  auto *path = static_cast<char *>(m.allocate(kPathMax));
  if (m.argv == nullptr || m.envp == nullptr || path == nullptr) return m.fail(ENOMEM, "mmap");
  const char *at = s.args.data;
  for (uint32_t i = 0; i < s.args.count; i++, at += length_of(at) + 1) m.argv[i] = at;
  m.argv[s.args.count] = nullptr;
  at = s.env.data;
  m.env_count = 0;
  for (uint32_t i = 0; i < s.env.count; i++, at += length_of(at) + 1)
    if (m.home == nullptr || !starts_with(at, "HOME=")) m.envp[m.env_count++] = at;
  if (m.home != nullptr) m.envp[m.env_count++] = m.home;
  m.envp[m.env_count] = nullptr;

  Str name = {m.argv[0], static_cast<uint32_t>(length_of(m.argv[0]))};
  bool has_slash = false;
  for (uint32_t i = 0; i < name.length; i++) has_slash = has_slash || name.data[i] == '/';
  int result = name.length == 0 ? -ENOENT : has_slash ? executable(name.data) : find(m, name, path);
  if (result < 0) return m.fail(result, "faccessat2", name);
  m.program = has_slash ? name.data : path;
  return true;
}

bool run(const ListenPidStep &, Machine &m) {
  auto *text = static_cast<char *>(m.allocate(32));
  if (text == nullptr || m.envp == nullptr) return m.fail(text == nullptr ? ENOMEM : EINVAL, "mmap");
  copy_bytes(text, "LISTEN_PID=", 11);
  char digits[12];
  int count = 0;
  for (int pid = sys::getpid(); pid > 0; pid /= 10) digits[count++] = static_cast<char>('0' + pid % 10);
  size_t at = 11;
  while (count > 0) text[at++] = digits[--count];
  text[at] = 0;
  m.envp[m.env_count++] = text;
  m.envp[m.env_count] = nullptr;
  return true;
}

bool run(const WaitForStartStep &s, Machine &m) {
  int start = m.get(s.start);
  m.report_to(m.get(s.started));
  char byte;
  long size = sys::read(start, &byte, 1);
  // Nobody can be told: the end of the process is all the other side can see.
  if (size != 1) sys::exit(1);
  return true;
}

bool run(const CloseOnExecStep &s, Machine &m) {
  int result = sys::close_range(3 + s.preserve, ~0U, kCloseOnExec);
  return result == 0 || m.fail(result, "close_range");
}

bool run(const ExecStep &, Machine &m) {
  if (m.program == nullptr) return m.fail(EINVAL, "execve", "no program");
  // allow exec: the program, in the container’s own root
  int result = sys::execve(m.program, m.argv, m.envp);
  // Its first bytes tell why: an interpreter that is missing, another architecture.
  // allow path: the same
  Fd file(sys::openat(AT_FDCWD, m.program, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() >= 0) {
    long size = sys::read(file.get(), m.detail, kMaxDetail);
    m.detail_length = size > 0 ? static_cast<uint32_t>(size) : 0;
  }
  return m.fail(result, "execve", m.program);
}

} // namespace runt
