// chownCgroup(cgroup, files, uid): gives a cgroup, by its descriptor, and files in it to a user.
// waitForCgroupEvent(path, line, timeoutMs): until cgroup.events has that line.
// cgroupTasksBelow(path): what lives in the cgroups below another; removeCgroupsBelow(path): removes those cgroups. A
// container that may write to its cgroup names and nests them as it likes: names that are no UTF-8, more levels than a
// path can have, or than this process can have descriptors. So all goes by descriptors, of which a few are open at a
// time.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "binding.h"
#include "clock.h"
#include "fd.h"

namespace runt {

namespace {

struct CloseDirectory {
  void operator()(DIR *directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

Fd open_directory(int parent, const char *name) {
  return Fd(retry([&] { return ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
}

// The next cgroup in a listing of cgroupfs, which tells the type of every entry; null at the end.
const char *next_cgroup(DIR *directory, const std::string &path) {
  for (;;) {
    errno = 0;
    const dirent *entry = ::readdir(directory);
    if (entry == nullptr) {
      if (errno != 0) fail("readdir", path);
      return nullptr;
    }
    const bool own = std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0;
    if (entry->d_type == DT_DIR && !own) return entry->d_name;
  }
}

Directory listing(int cgroup, const std::string &path) {
  Fd fd = open_directory(cgroup, ".");
  if (!fd.valid()) fail("open", path);
  Directory directory(::fdopendir(fd.get()));
  if (!directory) fail("fdopendir", path);
  fd.release();
  return directory;
}

// Removes the cgroups in this one up to the first that does not go, whose name it returns; empty when all are gone.
std::string remove_children(int cgroup, const std::string &path) {
  const Directory directory = listing(cgroup, path);
  while (const char *name = next_cgroup(directory.get(), path)) {
    if (::unlinkat(cgroup, name, AT_REMOVEDIR) == 0 || errno == ENOENT) continue;
    if (errno != EBUSY && errno != ENOTEMPTY) fail("rmdir", path + "/…");
    return name;
  }
  return {};
}

// False if there are processes in one of them. cgroup v2 renames nothing, so that ".." is where we came from.
bool remove_below(Fd cgroup, const std::string &path) {
  for (size_t depth = 0;;) {
    const std::string stuck = remove_children(cgroup.get(), path);
    if (stuck.empty()) {
      if (depth == 0) return true;
      cgroup = open_directory(cgroup.get(), "..");
      if (!cgroup.valid()) fail("open", path + "/…");
      depth--;
      continue;
    }
    Fd child = open_directory(cgroup.get(), stuck.c_str());
    if (!child.valid() && errno == ENOENT) continue;
    if (!child.valid()) fail("open", path + "/…");
    if (next_cgroup(listing(child.get(), path).get(), path) == nullptr) return false;
    cgroup = std::move(child);
    depth++;
  }
}

Napi::Value remove_cgroups_below(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  Fd cgroup = open_directory(AT_FDCWD, path.c_str());
  if (!cgroup.valid() && errno == ENOENT) return Napi::Boolean::New(info.Env(), true);
  if (!cgroup.valid()) fail("open", path);
  return Napi::Boolean::New(info.Env(), remove_below(std::move(cgroup), path));
}

// Reads a list of numbers. Returns 0 or the errno; a cgroup that was removed meanwhile holds nothing.
int read_numbers(int cgroup, const char *file, std::vector<double> &numbers) {
  const Fd fd(retry([&] { return ::openat(cgroup, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC); }));
  if (!fd.valid()) return errno == ENOENT || errno == ENODEV ? 0 : errno;
  std::string text;
  for (char part[4096];;) {
    const ssize_t size = retry([&] { return ::read(fd.get(), part, sizeof part); });
    if (size == -1) return errno == ENODEV ? 0 : errno;
    if (size == 0) break;
    text.append(part, static_cast<size_t>(size));
  }
  for (const char *at = text.data(), *end = at + text.size(); at < end;) {
    pid_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || number < 0 || (next < end && *next != '\n')) return EIO;
    numbers.push_back(number);
    at = next + 1;
  }
  return 0;
}

struct Tasks {
  std::vector<double> processes;
  // Of threaded cgroups, which list no processes.
  std::vector<double> threads;
};

void read_tasks(int cgroup, const std::string &path, Tasks &tasks) {
  int error = read_numbers(cgroup, "cgroup.procs", tasks.processes);
  if (error == EOPNOTSUPP) error = read_numbers(cgroup, "cgroup.threads", tasks.threads);
  // EOPNOTSUPP again: neither, "domain invalid", which has none.
  if (error != 0 && error != EOPNOTSUPP) fail_with(error, "read", path + "/…/cgroup.procs");
}

std::vector<std::string> children_of(int cgroup, const std::string &path) {
  const Directory directory = listing(cgroup, path);
  std::vector<std::string> names;
  while (const char *name = next_cgroup(directory.get(), path)) names.emplace_back(name);
  return names;
}

Tasks tasks_below(Fd cgroup, const std::string &path) {
  Tasks tasks;
  // Those of each level that were not looked at yet.
  std::vector<std::vector<std::string>> levels = {children_of(cgroup.get(), path)};
  for (;;) {
    if (levels.back().empty()) {
      levels.pop_back();
      if (levels.empty()) return tasks;
      cgroup = open_directory(cgroup.get(), "..");
      if (!cgroup.valid()) fail("open", path + "/…");
      continue;
    }
    const std::string name = std::move(levels.back().back());
    levels.back().pop_back();
    Fd child = open_directory(cgroup.get(), name.c_str());
    if (!child.valid() && (errno == ENOENT || errno == ENODEV)) continue;
    if (!child.valid()) fail("open", path + "/…");
    read_tasks(child.get(), path, tasks);
    levels.push_back(children_of(child.get(), path));
    cgroup = std::move(child);
  }
}

Napi::Array array_of(Napi::Env env, const std::vector<double> &numbers) {
  auto array = Napi::Array::New(env, numbers.size());
  for (size_t i = 0; i < numbers.size(); i++) array.Set(static_cast<uint32_t>(i), Napi::Number::New(env, numbers[i]));
  return array;
}

Napi::Value cgroup_tasks_below(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  Fd cgroup = open_directory(AT_FDCWD, path.c_str());
  if (!cgroup.valid() && errno != ENOENT) fail("open", path);
  const Tasks tasks = cgroup.valid() ? tasks_below(std::move(cgroup), path) : Tasks{};
  auto result = Napi::Object::New(info.Env());
  result.Set("processes", array_of(info.Env(), tasks.processes));
  result.Set("threads", array_of(info.Env(), tasks.threads));
  return result;
}

// From its beginning: only then does the kernel note what was seen, and poll(2) tell of what is newer. False where
// there is no such cgroup any more.
bool read_events(const Fd &file, std::string &text, const std::string &path) {
  char part[512];
  const ssize_t size = retry([&] { return ::pread(file.get(), part, sizeof part, 0); });
  if (size == -1 && errno == ENODEV) return false;
  if (size == -1) fail("read", path);
  text.assign(part, static_cast<size_t>(size));
  return true;
}

bool has_line(const std::string &text, const std::string &line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

// waitForCgroupEvent(path, line, timeoutMs): what is read tells the truth, POLLPRI that it may have changed
// (cgroup-v2.rst, "Basic Operations"). A cgroup that is not there will not change: true.
Napi::Value wait_for_cgroup_event(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string path = args.path(0);
  const std::string line = args.string(1, "line");
  const Deadline deadline(args.integer(2, "timeoutMs", 0, INT32_MAX));
  const Fd cgroup = open_directory(AT_FDCWD, path.c_str());
  const Fd file = cgroup.valid() ? Fd(::openat(cgroup.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)) : Fd();
  if (!file.valid() && (errno == ENOENT || errno == ENODEV || errno == ENOTDIR))
    return Napi::Boolean::New(info.Env(), true);
  if (!file.valid()) fail("open", path);
  for (std::string text;;) {
    const int left = deadline.left();
    if (!read_events(file, text, path) || has_line(text, line)) return Napi::Boolean::New(info.Env(), true);
    if (left == 0) return Napi::Boolean::New(info.Env(), false);
    pollfd entry = {file.get(), POLLPRI, 0};
    if (::poll(&entry, 1, left) == -1 && errno != EINTR) fail("poll", path);
  }
}

constexpr gid_t same_group = static_cast<gid_t>(-1);

Napi::Value chown_cgroup(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int cgroup = args.fd(0, "cgroup");
  const std::vector<std::string> files = args.strings(1, "files");
  const uid_t uid = args.id(2, "uid");
  if (::fchownat(cgroup, "", uid, same_group, AT_EMPTY_PATH) != 0) fail("fchownat", ".");
  for (const std::string &file : files) {
    // In the directory itself, whoever wrote the list.
    if (file.empty() || file.find('/') != std::string::npos || file == "." || file == "..") continue;
    if (::fchownat(cgroup, file.c_str(), uid, same_group, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
      fail("fchownat", file);
  }
  return info.Env().Undefined();
}

} // namespace

void bind_cgroups(Napi::Object exports) {
  bind<chown_cgroup>(exports, "chownCgroup");
  bind<wait_for_cgroup_event>(exports, "waitForCgroupEvent");
  bind<cgroup_tasks_below>(exports, "cgroupTasksBelow");
  bind<remove_cgroups_below>(exports, "removeCgroupsBelow");
}

} // namespace runt
