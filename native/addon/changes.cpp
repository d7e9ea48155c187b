// changesOpen(…), changesStep(…), changesClose(…): what a container changed, against the layers below, in pieces.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstring>

#include "archive_entry.h"
#include "binding.h"
#include "unpack_root.h"
#include "upper.h"
#include "work_table.h"

namespace runt {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPiece = 256 << 10;
constexpr size_t kMaxLayers = 500;
// Of what one step tells.
constexpr size_t kMaxTold = 1 << 20;

constexpr char kAdded = 'A', kChanged = 'C', kDeleted = 'D';

bool same_time(const timespec &a, const timespec &b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

class Changes {
 public:
  Changes(Fd upper, Fd lower, uint64_t most) : names_{most}, left_(kPiece), right_(kPiece) {
    UpperEntry root{std::move(upper), {}};
    UpperEntry below{std::move(lower), {}};
    for (UpperEntry *entry : {&root, &below})
      if (::fstatat(entry->fd.get(), "", &entry->status, AT_EMPTY_PATH) != 0) fail("fstatat", "/");
    // That time is the one at which the container was made.
    root.status.st_mtim = below.status.st_mtim;
    if (!same_attributes(root, below, "/")) tell(kChanged, "");
    enter(std::move(root), std::move(below), "", false, true);
  }

  // Works for so many milliseconds, or to the end: then true.
  bool step(int64_t milliseconds) {
    const auto until = Clock::now() + std::chrono::milliseconds(milliseconds);
    while (!open_.empty()) {
      advance();
      if (told_.size() >= kMaxTold || Clock::now() >= until) return open_.empty();
    }
    return true;
  }

  // One change after the other: its kind, its path, a NUL.
  std::string take() { return std::exchange(told_, {}); }

 private:
  struct Directory {
    UpperEntry upper;
    // The same in the layers below, where there is one.
    std::optional<UpperEntry> lower;
    std::string path;
    std::vector<UpperName> names;
    size_t next = 0;
    // What is below is not seen through it; those names then.
    bool hides = false;
    std::vector<UpperName> hidden;
    size_t next_hidden = 0;
    // Whether it has been told itself.
    bool told = false;
  };

  void tell(char kind, const std::string &path) {
    for (Directory &above : open_) {
      if (above.told) continue;
      above.told = true;
      append(kChanged, above.path);
    }
    append(kind, path);
  }

  void append(char kind, const std::string &path) { told_.append(1, kind).append("/").append(path).append(1, '\0'); }

  void enter(UpperEntry upper, std::optional<UpperEntry> lower, const std::string &path, bool hides, bool told) {
    Directory directory{std::move(upper), std::move(lower), path, {}, 0, hides, {}, 0, told};
    directory.names = sorted_names(directory.upper.fd.get(), path, names_);
    if (directory.lower && hides) directory.hidden = sorted_names(directory.lower->fd.get(), path, names_);
    open_.push_back(std::move(directory));
  }

  void advance() {
    Directory &directory = open_.back();
    const UpperName *name = directory.next < directory.names.size() ? &directory.names[directory.next] : nullptr;
    const UpperName *hidden =
        directory.next_hidden < directory.hidden.size() ? &directory.hidden[directory.next_hidden] : nullptr;
    if (name == nullptr && hidden == nullptr) {
      open_.pop_back();
      return;
    }
    if (name == nullptr || (hidden != nullptr && hidden->name < name->name)) {
      directory.next_hidden++;
      return tell(kDeleted, path_of(directory, hidden->name));
    }
    if (hidden != nullptr && hidden->name == name->name) directory.next_hidden++;
    directory.next++;
    compare(directory, name->name);
  }

  std::string path_of(const Directory &directory, const std::string &name) const {
    return path_below(directory.path, name, open_.size() - 1);
  }

  void compare(const Directory &directory, const std::string &name) {
    const std::string path = path_of(directory, name);
    auto upper = open_entry(directory.upper.fd.get(), name, path);
    // Gone meanwhile.
    if (!upper) return;
    std::optional<UpperEntry> lower;
    if (directory.lower) lower = open_entry(directory.lower->fd.get(), name, path);
    if (upper->is_whiteout()) {
      if (lower) tell(kDeleted, path);
      return;
    }
    const bool told = !lower || !same(*upper, *lower, path);
    if (told) tell(lower ? kChanged : kAdded, path);
    if (!upper->is_directory()) return;
    if (lower && !lower->is_directory()) lower.reset();
    const bool hides = directory.hides || reader_.opaque(*upper, path);
    enter(std::move(*upper), std::move(lower), path, hides, told);
  }

  bool same(const UpperEntry &upper, const UpperEntry &lower, const std::string &path) {
    const mode_t type = upper.status.st_mode & S_IFMT;
    if (type != (lower.status.st_mode & S_IFMT) || !same_attributes(upper, lower, path)) return false;
    switch (type) {
      case S_IFLNK:
        return target_of(upper, path) == target_of(lower, path);
      case S_IFCHR:
      case S_IFBLK:
        return upper.status.st_rdev == lower.status.st_rdev;
      case S_IFREG:
        return upper.status.st_size == lower.status.st_size && same_content(upper, lower, path);
      default:
        return true;
    }
  }

  bool same_attributes(const UpperEntry &upper, const UpperEntry &lower, const std::string &path) {
    const struct stat &a = upper.status;
    const struct stat &b = lower.status;
    return a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid && same_time(a.st_mtim, b.st_mtim) &&
           reader_.all(upper, path) == reader_.all(lower, path);
  }

  bool same_content(const UpperEntry &upper, const UpperEntry &lower, const std::string &path) {
    const Fd left = open_for_reading(upper, path);
    const Fd right = open_for_reading(lower, path);
    // No further than it was when it was looked at: it may grow without end.
    for (auto rest = static_cast<uint64_t>(upper.status.st_size); rest > 0;) {
      const size_t wanted = std::min<uint64_t>(rest, kPiece);
      const size_t size = fill(left, left_, wanted, path);
      if (size != fill(right, right_, wanted, path) || std::memcmp(left_.data(), right_.data(), size) != 0)
        return false;
      if (size < wanted) return true;
      rest -= size;
    }
    return true;
  }

  static size_t fill(const Fd &fd, std::vector<char> &buffer, size_t wanted, const std::string &path) {
    size_t have = 0;
    while (have < wanted) {
      const ssize_t size = retry([&] { return ::read(fd.get(), buffer.data() + have, wanted - have); });
      if (size == -1) fail("read", path);
      if (size == 0) break;
      have += static_cast<size_t>(size);
    }
    return have;
  }

  NameBudget names_;
  AttributeReader reader_;
  std::vector<char> left_;
  std::vector<char> right_;
  // From the root to the directory in work.
  std::vector<Directory> open_;
  std::string told_;
};

using Works = WorkTable<Changes>;

// changesOpen(directory, layers, maxEntries)
Napi::Value changes_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string directory = args.path(0);
  const auto layers = args.strings(1, "layers");
  if (layers.empty() || layers.size() > kMaxLayers) args.refuse("layers", "must be 1 to 500");
  const auto most = static_cast<uint64_t>(args.integer(2, "maxEntries", 0, (int64_t{1} << 53) - 1));
  Fd upper = open_upper(directory);
  Fd lower = mount_layers(layers, "", Rights::kAll);
  try {
    auto work = std::make_unique<Changes>(std::move(upper), std::move(lower), most);
    return Napi::Number::New(info.Env(), static_cast<double>(Works::own().add(std::move(work))));
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
}

// changesStep(work, milliseconds)
Napi::Value changes_step(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int64_t milliseconds = args.integer(1, "milliseconds", 0, INT_MAX);
  Changes &work = Works::own().at(args);
  bool done = false;
  try {
    done = work.step(milliseconds);
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
  const std::string told = work.take();
  auto result = Napi::Object::New(info.Env());
  result.Set("done", done);
  result.Set("changes", bytes_of(info.Env(), told.data(), told.size()));
  return result;
}

Napi::Value changes_close(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  Works::own().close(args);
  return info.Env().Undefined();
}

} // namespace

void bind_changes(Napi::Object exports) {
  bind<changes_open>(exports, "changesOpen");
  bind<changes_step>(exports, "changesStep");
  bind<changes_close>(exports, "changesClose");
}

} // namespace runt
