// unpackOpen(…), unpackStep(…), unpackFinish(…), unpackClose(…): a layer of an image becomes a directory, in pieces, so
// that the caller can tell how far it is. spoolOpen(…) and its like: the files of an archive go to a directory by
// number. imageFiles(…): files of an image, as its container would see them.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <climits>

#include "archive_stream.h"
#include "binding.h"
#include "unpack_root.h"
#include "unpack_tree.h"

namespace runt {

namespace {

using Clock = std::chrono::steady_clock;

// How often the clock is looked at.
constexpr unsigned kPiecesPerLook = 16;
constexpr size_t kMaxLayers = 500;

struct Limits {
  uint64_t entries;
  uint64_t bytes;
};

// An archive, taken piece by piece.
class Work {
 public:
  Work(int fd, const Limits &limits, bool contents, std::unique_ptr<Taker> taker)
      : taker_(std::move(taker)), stream_(fd, limits.bytes, contents), intake_(*taker_, limits.entries) {}
  Work(const Work &) = delete;
  Work &operator=(const Work &) = delete;

  // Works for so many milliseconds, or to the end: then true.
  bool step(int64_t milliseconds) {
    const auto until = Clock::now() + std::chrono::milliseconds(milliseconds);
    for (unsigned pieces = 1;; pieces++) {
      switch (stream_.next(record_, until)) {
        case ArchiveStream::Next::Record:
          intake_.receive(record_, stream_.bytes_unpacked());
          break;
        case ArchiveStream::Next::Waiting:
          return false;
        case ArchiveStream::Next::Done:
          return true;
      }
      if (pieces % kPiecesPerLook == 0 && Clock::now() >= until) return false;
    }
  }

  ArchiveStream &stream() { return stream_; }
  Taker &taker() { return *taker_; }
  uint64_t entries() const { return intake_.entries(); }

 private:
  const std::unique_ptr<Taker> taker_;
  ArchiveStream stream_;
  Intake intake_;
  Record record_;
};

// A file of a spooled archive: its name, its number in the directory or -1, and where it is a link to another, that
// one's name.
struct Spooled {
  std::string name;
  int64_t file;
  int64_t size;
  std::string link;
};

class Spool final : public Taker {
 public:
  // Without a directory: only the sums are wanted.
  explicit Spool(Fd directory) : directory_(std::move(directory)) {}

  bool add(Entry entry) override {
    if (!directory_.valid()) return false;
    const bool symlink = !entry.linked && entry.type == S_IFLNK;
    const bool file = !entry.linked && entry.type == S_IFREG;
    if (!file && !symlink && !entry.linked) return false;
    const int64_t number = file ? static_cast<int64_t>(list_.size()) : -1;
    // A hard link's target counts from the root of the archive.
    list_.push_back({entry.path, number, 0, entry.linked ? "/" + entry.hardlink : symlink ? entry.symlink : ""});
    beside_.names += list_.back().name.size() + list_.back().link.size();
    if (!file) return false;
    const std::string path = std::to_string(number);
    file_.reset(::openat(directory_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file_.valid()) fail("openat", path);
    return true;
  }

  void write(const char *data, size_t size, int64_t offset) override {
    while (size > 0) {
      const ssize_t written = retry([&] { return ::pwrite(file_.get(), data, size, offset); });
      if (written == -1) fail("pwrite", list_.back().name);
      data += written;
      offset += written;
      size -= static_cast<size_t>(written);
    }
    list_.back().size = offset;
  }

  void finish_file() override { file_.reset(); }

  const std::vector<Spooled> &list() const { return list_; }

 private:
  Fd directory_;
  Fd file_;
  std::vector<Spooled> list_;
};

using Handle = Napi::External<std::unique_ptr<Work>>;

Napi::Value handle_of(Napi::Env env, std::unique_ptr<Work> work) {
  auto *kept = new std::unique_ptr<Work>(std::move(work));
  return Handle::New(env, kept, [](Napi::Env, std::unique_ptr<Work> *data) { delete data; });
}

std::unique_ptr<Work> &kept_in(const Arguments &args, const Napi::CallbackInfo &info) {
  if (info.Length() == 0 || !info[0].IsExternal()) args.refuse("work", "must be a handle");
  return *info[0].As<Handle>().Data();
}

Work &work_of(const Arguments &args, const Napi::CallbackInfo &info) {
  auto &kept = kept_in(args, info);
  if (!kept) args.refuse("work", "is closed");
  return *kept;
}

Limits limits_of(const Arguments &args, size_t index) {
  constexpr int64_t kMost = (int64_t{1} << 53) - 1;
  return {static_cast<uint64_t>(args.integer(index, "maxEntries", 0, kMost)),
          static_cast<uint64_t>(args.integer(index + 1, "maxBytes", 0, kMost))};
}

Rights rights_of(const Arguments &args, size_t index) {
  return static_cast<Rights>(args.integer(index, "rights", 0, static_cast<int64_t>(Rights::kOneId)));
}

void tell(Napi::Object result, const char *name, const LeftOut &list) {
  if (list.count == 0) return;
  auto facts = Napi::Object::New(result.Env());
  facts.Set("count", static_cast<double>(list.count));
  facts.Set("first", list.name);
  result.Set(name, facts);
}

// unpackOpen(fd, layers, directory, maxEntries, maxBytes, rights)
Napi::Value unpack_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto layers = args.strings(1, "layers");
  if (layers.size() > kMaxLayers) args.refuse("layers", "must be fewer");
  const std::string directory = args.string(2, "directory");
  if (directory.empty()) args.refuse("directory", "must not be empty");
  const int fd = args.fd(0, "fd");
  const Limits limits = limits_of(args, 3);
  const Rights rights = rights_of(args, 5);
  inherit_root(layers.empty() ? "" : layers.front(), directory);
  Fd root = layers.empty() ? mount_base(directory, rights) : mount_layers(layers, directory, rights);
  try {
    auto tree = std::make_unique<LayerTree>(std::move(root), !layers.empty(), rights);
    return handle_of(info.Env(), std::make_unique<Work>(fd, limits, true, std::move(tree)));
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
}

// spoolOpen(fd, directory, maxEntries, maxBytes); directory: empty for none
Napi::Value spool_open(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const std::string directory = args.string(1, "directory");
  const int fd = args.fd(0, "fd");
  const Limits limits = limits_of(args, 2);
  Fd target;
  if (!directory.empty()) {
    // allow path: of the store
    target.reset(retry([&] { return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
    if (!target.valid()) fail("open", directory);
  }
  try {
    auto spool = std::make_unique<Spool>(std::move(target));
    return handle_of(info.Env(), std::make_unique<Work>(fd, limits, !directory.empty(), std::move(spool)));
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
}

// unpackStep(work, milliseconds)
Napi::Value unpack_step(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  Work &work = work_of(args, info);
  bool done = false;
  try {
    done = work.step(args.integer(1, "milliseconds", 0, INT_MAX));
  } catch (const Refused &refused) {
    return refusal_of(info.Env(), refused);
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("done", done);
  result.Set("read", static_cast<double>(work.stream().bytes_read()));
  result.Set("unpacked", static_cast<double>(work.stream().bytes_unpacked()));
  result.Set("entries", static_cast<double>(work.entries()));
  return result;
}

// unpackFinish(work): after the step that was done.
Napi::Value unpack_finish(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  Work &work = work_of(args, info);
  auto result = Napi::Object::New(info.Env());
  if (auto *layer = dynamic_cast<LayerTree *>(&work.taker())) {
    layer->finish();
    tell(result, "devices", layer->devices());
    tell(result, "attributes", layer->attributes());
  }
  result.Set("digest", work.stream().digest());
  result.Set("diffId", work.stream().diff_id());
  if (const auto *spool = dynamic_cast<Spool *>(&work.taker())) {
    auto list = Napi::Array::New(info.Env(), spool->list().size());
    uint32_t index = 0;
    for (const Spooled &file : spool->list()) {
      auto row = Napi::Object::New(info.Env());
      row.Set("name", file.name);
      row.Set("file", static_cast<double>(file.file));
      row.Set("size", static_cast<double>(file.size));
      row.Set("link", file.link);
      list.Set(index++, row);
    }
    result.Set("files", list);
  }
  return result;
}

Napi::Value unpack_close(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  kept_in(args, info).reset();
  return info.Env().Undefined();
}

// imageFiles(layers, paths, maxBytes, rights): the contents, undefined where there is no regular file.
Napi::Value image_files(const Napi::CallbackInfo &info) {
  const Arguments args(info);
  const auto layers = args.strings(0, "layers");
  const auto paths = args.strings(1, "paths");
  const auto most = static_cast<size_t>(args.integer(2, "maxBytes", 0, INT_MAX));
  const Fd root = mount_layers(layers, "", rights_of(args, 3));
  auto result = Napi::Array::New(info.Env(), paths.size());
  for (size_t i = 0; i < paths.size(); i++) {
    // The image chose what is there: opening a fifo must not wait, nor a terminal become this process's.
    Fd file = open_in(root, paths[i], O_RDONLY | O_NONBLOCK | O_NOCTTY, RESOLVE_IN_ROOT);
    if (!file.valid()) {
      if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ENXIO && errno != EACCES)
        fail("openat2", paths[i]);
      continue;
    }
    struct stat status;
    if (::fstat(file.get(), &status) != 0) fail("fstat", paths[i]);
    if (!S_ISREG(status.st_mode)) continue;
    if (static_cast<uint64_t>(status.st_size) > most) fail_with(EFBIG, "read", paths[i]);
    std::string text(static_cast<size_t>(status.st_size), '\0');
    size_t have = 0;
    while (have < text.size()) {
      const ssize_t size = retry([&] { return ::read(file.get(), text.data() + have, text.size() - have); });
      if (size == -1) fail("read", paths[i]);
      if (size == 0) break;
      have += static_cast<size_t>(size);
    }
    text.resize(have);
    result.Set(static_cast<uint32_t>(i), text);
  }
  return result;
}

} // namespace

Napi::Value refusal_of(Napi::Env env, const Refused &refused) {
  auto result = Napi::Object::New(env);
  auto facts = Napi::Object::New(env);
  facts.Set("kind", refused.kind);
  facts.Set("name", refused.name);
  facts.Set("detail", refused.detail);
  result.Set("refused", facts);
  return result;
}

void bind_unpack(Napi::Object exports) {
  bind<unpack_open>(exports, "unpackOpen");
  bind<spool_open>(exports, "spoolOpen");
  bind<unpack_step>(exports, "unpackStep");
  bind<unpack_finish>(exports, "unpackFinish");
  bind<unpack_close>(exports, "unpackClose");
  bind<image_files>(exports, "imageFiles");
}

} // namespace runt
