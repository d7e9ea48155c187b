// exportOpen(…), exportStep(…), exportFinish(…), exportClose(…): what a container changed becomes a layer of an image
// (image-spec, layer.md), in pieces, so that the caller can tell how far it is.
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdio>

#include "archive_entry.h"
#include "binding.h"
#include "export_sink.h"
#include "tar_writer.h"
#include "upper.h"
#include "work_table.h"

namespace runt {

namespace {

using Clock = std::chrono::steady_clock;

// How often the clock is looked at.
constexpr unsigned kPiecesPerLook = 16;
constexpr size_t kPiece = 256 << 10;
// More than these are only counted.
constexpr size_t kMaxSkipped = 100;
constexpr const char *kWhiteout = ".wh.";
constexpr const char *kOpaque = ".wh..wh..opq";

// A file that is there only when it is whole: until then it has no name, so that nothing is left of an interrupted
// export; where the filesystem cannot do that, a hidden one beside its place.
class TargetFile {
 public:
  explicit TargetFile(const std::string &path) : path_(path) {
    const size_t slash = path.rfind('/');
    const std::string above = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
    // allow path: of the host, where the caller wants the file
    parent_.reset(retry([&] { return ::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
    if (!parent_.valid()) fail("open", above);
    struct stat status;
    // Renaming something else away, /dev/null for example, is not what was meant.
    if (::fstatat(parent_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status.st_mode))
      fail_with(S_ISDIR(status.st_mode) ? EISDIR : EEXIST, "open", path);
    fd_.reset(retry([&] { return ::openat(parent_.get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode); }));
    if (fd_.valid()) return;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL) fail("openat", path);
    hidden_ = hidden_name();
    fd_.reset(retry([&] {
      return ::openat(parent_.get(), hidden_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode);
    }));
    if (fd_.valid()) return;
    hidden_.clear();
    fail("openat", path);
  }
  TargetFile(const TargetFile &) = delete;
  TargetFile &operator=(const TargetFile &) = delete;
  ~TargetFile() {
    if (!hidden_.empty()) ::unlinkat(parent_.get(), hidden_.c_str(), 0);
  }

  int fd() const { return fd_.get(); }

  void publish() {
    if (::fsync(fd_.get()) != 0) fail("fsync", path_);
    if (hidden_.empty()) {
      const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
      if (::linkat(AT_FDCWD, self.c_str(), parent_.get(), name_.c_str(), AT_SYMLINK_FOLLOW) == 0) return;
      if (errno != EEXIST) fail("linkat", path_);
      const std::string name = hidden_name();
      if (::linkat(AT_FDCWD, self.c_str(), parent_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) fail("linkat", path_);
      hidden_ = name;
    }
    if (::renameat(parent_.get(), hidden_.c_str(), parent_.get(), name_.c_str()) != 0) fail("renameat", path_);
    hidden_.clear();
  }

 private:
  // What a container wrote is nobody else's business.
  static constexpr mode_t kMode = 0600;

  static std::string hidden_name() {
    uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) fail("getrandom");
    char name[40];
    std::snprintf(name, sizeof name, ".runt-export-%016llx", static_cast<unsigned long long>(number));
    return name;
  }

  const std::string path_;
  std::string name_;
  std::string hidden_;
  Fd parent_;
  Fd fd_;
};

struct Limits {
  uint64_t entries;
  uint64_t bytes;
};

// What is not in the layer. `kind`: S a socket, W a name that is a whiteout's in a layer, X an attribute whose name
// cannot be written, G a file that became shorter while it was read.
struct Skipped {
  std::string list;
  size_t known = 0;
  uint64_t more = 0;

  void add(char kind, const std::string &path) {
    if (known == kMaxSkipped) {
      more++;
      return;
    }
    known++;
    list.append(1, kind).append(path).append(1, '\0');
  }
};

class Export {
 public:
  Export(Fd upper, int fd, std::unique_ptr<TargetFile> target, std::string name, Compression compression,
         const Limits &limits)
      : names_{limits.entries},
        limits_(limits),
        target_(std::move(target)),
        own_(target_ ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3)),
        sink_(target_ ? target_->fd() : own_.get(), std::move(name), compression),
        buffer_(kPiece) {
    if (!target_ && !own_.valid()) fail("fcntl");
    UpperEntry root{std::move(upper), {}};
    if (::fstatat(root.fd.get(), "", &root.status, AT_EMPTY_PATH) != 0) fail("fstatat", "/");
    begin_directory(std::move(root), "");
  }

  // Works for so many milliseconds, or to the end: then true.
  bool step(int64_t milliseconds) {
    const auto until = Clock::now() + std::chrono::milliseconds(milliseconds);
    for (unsigned pieces = 1;; pieces++) {
      if (!advance()) return true;
      if (pieces % kPiecesPerLook == 0 && Clock::now() >= until) return false;
    }
  }

  // After the step that was done.
  void publish() {
    if (target_) target_->publish();
  }

  LayerSink &sink() { return sink_; }
  uint64_t entries() const { return entries_; }
  Skipped take_skipped() {
    Skipped taken{std::move(skipped_.list), 0, skipped_.more};
    skipped_.list.clear();
    return taken;
  }

 private:
  struct Directory {
    UpperEntry entry;
    std::string path;
    std::vector<UpperName> names;
    size_t next = 0;
    // Whiteouts go before what is beside them (layer.md, "Whiteouts").
    bool past_whiteouts = false;
  };

  bool advance() {
    if (file_.valid()) return copy(), true;
    if (done_) return false;
    if (open_.empty()) {
      static constexpr char kEnd[2 * kTarBlock] = {};
      sink_.write(kEnd, sizeof kEnd);
      sink_.finish();
      return !(done_ = true);
    }
    Directory &directory = open_.back();
    if (directory.next < directory.names.size()) {
      const UpperName &name = directory.names[directory.next++];
      if (directory.past_whiteouts)
        add(directory, name.name);
      else
        add_whiteout(directory, name);
    } else if (!directory.past_whiteouts) {
      directory.past_whiteouts = true;
      directory.next = 0;
    } else {
      open_.pop_back();
    }
    return true;
  }

  std::string path_of(const Directory &directory, const std::string &name) const {
    return path_below(directory.path, name, open_.size() - 1);
  }

  void add_whiteout(const Directory &directory, const UpperName &name) {
    if (name.type != DT_CHR && name.type != DT_UNKNOWN) return;
    const std::string path = path_of(directory, name.name);
    const auto entry = open_entry(directory.entry.fd.get(), name.name, path);
    if (!entry || !entry->is_whiteout()) return;
    if (name.name.starts_with(kWhiteout))
      skipped_.add('W', path);
    else
      put_mark(path_below(directory.path, kWhiteout + name.name, open_.size() - 1));
  }

  // An empty file whose name says it all.
  void put_mark(const std::string &path) {
    TarEntry mark;
    mark.path = path;
    mark.mode = 0600;
    put(mark);
  }

  void add(const Directory &directory, const std::string &name) {
    const std::string path = path_of(directory, name);
    auto entry = open_entry(directory.entry.fd.get(), name, path);
    if (!entry || entry->is_whiteout()) return;
    if (name.starts_with(kWhiteout)) return skipped_.add('W', path);
    if (S_ISSOCK(entry->status.st_mode)) return skipped_.add('S', path);
    if (entry->is_directory()) return begin_directory(std::move(*entry), path);
    const struct stat &status = entry->status;
    TarEntry header = header_of(status, path);
    if (status.st_nlink > 1) {
      const auto [known, is_first] = links_.try_emplace({status.st_dev, status.st_ino}, path);
      if (!is_first) {
        header.type = '1';
        header.link = known->second;
        header.size = 0;
        header.device = 0;
        return put(header);
      }
    }
    header.attributes = attributes_of(*entry, path);
    if (S_ISLNK(status.st_mode)) header.link = target_of(*entry, path);
    if (header.type != '0') return put(header);
    Fd file = open_for_reading(*entry, path);
    put(header);
    if (header.size == 0) return;
    file_ = std::move(file);
    file_path_ = path;
    remaining_ = header.size;
    padding_ = (kTarBlock - header.size % kTarBlock) % kTarBlock;
  }

  static TarEntry header_of(const struct stat &status, const std::string &path) {
    TarEntry header;
    header.path = path;
    header.mode = status.st_mode & 07777;
    header.uid = status.st_uid;
    header.gid = status.st_gid;
    header.time = status.st_mtim;
    switch (status.st_mode & S_IFMT) {
      case S_IFLNK:
        header.type = '2';
        break;
      case S_IFCHR:
        header.type = '3';
        header.device = status.st_rdev;
        break;
      case S_IFBLK:
        header.type = '4';
        header.device = status.st_rdev;
        break;
      case S_IFDIR:
        header.type = '5';
        break;
      case S_IFIFO:
        header.type = '6';
        break;
      default:
        header.size = static_cast<uint64_t>(status.st_size);
    }
    return header;
  }

  Attributes attributes_of(const UpperEntry &entry, const std::string &path) {
    Attributes attributes = reader_.all(entry, path);
    for (auto at = attributes.begin(); at != attributes.end();) {
      if (at->first.find('=') == std::string::npos) {
        ++at;
        continue;
      }
      skipped_.add('X', path + " (" + at->first + ")");
      at = attributes.erase(at);
    }
    return attributes;
  }

  void begin_directory(UpperEntry entry, const std::string &path) {
    TarEntry header = header_of(entry.status, path.empty() ? "./" : path + "/");
    header.attributes = attributes_of(entry, path);
    put(header);
    if (!path.empty() && reader_.opaque(entry, path)) put_mark(path_below(path, kOpaque, open_.size()));
    auto names = sorted_names(entry.fd.get(), path, names_);
    open_.push_back({std::move(entry), path, std::move(names)});
  }

  void put(const TarEntry &entry) {
    const std::string header = tar_header(entry);
    // With the two blocks at the end.
    const uint64_t room = limits_.bytes - std::min(limits_.bytes, sink_.tar_size() + header.size() + 3 * kTarBlock);
    if (entry.size > room || room == 0) throw Refused{"bytes", entry.path, std::to_string(limits_.bytes)};
    sink_.write(header.data(), header.size());
    entries_++;
  }

  void copy() {
    const size_t wanted = std::min<uint64_t>(remaining_, buffer_.size());
    ssize_t size = retry([&] { return ::read(file_.get(), buffer_.data(), wanted); });
    if (size == -1) fail("read", file_path_);
    if (size == 0) {
      // The header has promised so many bytes.
      if (!shrunk_) skipped_.add('G', file_path_);
      shrunk_ = true;
      size = static_cast<ssize_t>(wanted);
      std::fill_n(buffer_.data(), wanted, '\0');
    }
    sink_.write(buffer_.data(), static_cast<size_t>(size));
    remaining_ -= static_cast<uint64_t>(size);
    if (remaining_ > 0) return;
    static constexpr char kZeros[kTarBlock] = {};
    sink_.write(kZeros, padding_);
    file_.reset();
    shrunk_ = false;
  }

  NameBudget names_;
  const Limits limits_;
  std::unique_ptr<TargetFile> target_;
  const Fd own_;
  LayerSink sink_;
  AttributeReader reader_;
  Skipped skipped_;
  uint64_t entries_ = 0;
  bool done_ = false;
  // From the root to the directory in work.
  std::vector<Directory> open_;
  // Files of several names, by device and inode: the first one, which the others are links to.
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  // The file in work.
  Fd file_;
  std::string file_path_;
  uint64_t remaining_ = 0;
  size_t padding_ = 0;
  bool shrunk_ = false;
  std::vector<char> buffer_;
};

using Exports = WorkTable<Export>;

Compression compression_of(const Arguments &args, size_t index) {
  const std::string name = args.string(index, "compression");
  if (name == "gzip") return Compression::kGzip;
  if (name == "zstd") return Compression::kZstd;
  if (name != "none") args.refuse("compression", "must be none, gzip or zstd");
  return Compression::kNone;
}

// exportOpen(directory, path, fd, compression, maxEntries, maxBytes); path: empty for the descriptor
Napi::Value export_open(const Napi::CallbackInfo &info) {
  constexpr int64_t kMost = (int64_t{1} << 53) - 1;
  const Arguments args(info);
  const std::string directory = args.path(0);
  const std::string path = args.string(1, "file");
  const int fd = args.optional_fd(2, "fd");
  const Compression compression = compression_of(args, 3);
  const Limits limits = {static_cast<uint64_t>(args.integer(4, "maxEntries", 0, kMost)),
                         static_cast<uint64_t>(args.integer(5, "maxBytes", 0, kMost))};
  Fd upper = open_upper(directory);
  std::unique_ptr<TargetFile> target;
  if (!path.empty()) target = std::make_unique<TargetFile>(path);
  try {
    auto work = std::make_unique<Export>(std::move(upper), fd, std::move(target),
                                         path.empty() ? "standard output" : path, compression, limits);
    return Napi::Number::New(info.Env(), static_cast<double>(Exports::own().add(std::move(work))));
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
}

// exportStep(work, milliseconds)
Napi::Value export_step(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const int64_t milliseconds = args.integer(1, "milliseconds", 0, INT_MAX);
  Export &work = Exports::own().at(args);
  bool done = false;
  try {
    done = work.step(milliseconds);
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
  const Skipped skipped = work.take_skipped();
  auto result = Napi::Object::New(info.Env());
  result.Set("done", done);
  result.Set("entries", static_cast<double>(work.entries()));
  result.Set("size", static_cast<double>(work.sink().tar_size()));
  result.Set("skipped", bytes_of(info.Env(), skipped.list.data(), skipped.list.size()));
  result.Set("skippedMore", static_cast<double>(skipped.more));
  return result;
}

// exportFinish(work): after the step that was done.
Napi::Value export_finish(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  Export &work = Exports::own().at(args);
  work.publish();
  auto result = Napi::Object::New(info.Env());
  result.Set("diffId", work.sink().diff_id());
  result.Set("digest", work.sink().digest());
  result.Set("size", static_cast<double>(work.sink().size()));
  return result;
}

Napi::Value export_close(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  Exports::own().close(args);
  return info.Env().Undefined();
}

} // namespace

void bind_export(Napi::Object exports) {
  bind<export_open>(exports, "exportOpen");
  bind<export_step>(exports, "exportStep");
  bind<export_finish>(exports, "exportFinish");
  bind<export_close>(exports, "exportClose");
}

} // namespace runt
