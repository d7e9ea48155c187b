#include "export_sink.h"

#include <sys/stat.h>

#include <cstring>

#include "failure.h"
#include "image.h"

namespace runt {

namespace {

constexpr size_t kBuffer = 256 << 10;

} // namespace

LayerSink::LayerSink(int fd, std::string name, Compression compression)
    : fd_(fd), name_(std::move(name)), buffer_(kBuffer) {
  if (compression != Compression::kNone) open_compressor(compression);
}

LayerSink::~LayerSink() {
  if (compressor_ == nullptr) return;
  // Whatever is still in there goes nowhere.
  failure_ = std::make_exception_ptr(0);
  archive_writing().release(compressor_);
}

void LayerSink::open_compressor(Compression compression) {
  const ArchiveWriting &lib = archive_writing();
  compressor_ = lib.make();
  if (compressor_ == nullptr) fail_with(ENOMEM, "archive_write_new");
  const bool gzip = compression == Compression::kGzip;
  // A warning would mean that the library runs a program for it.
  if ((gzip ? lib.filter_gzip : lib.filter_zstd)(compressor_) != ArchiveLibrary::kOk)
    fail_with(ENOSYS, "libarchive", std::string("libarchive.so.13 has no ") + (gzip ? "gzip" : "zstd"));
  // RFC 1952, MTIME: the same layer is the same bytes whenever it is compressed.
  if (gzip && lib.filter_option(compressor_, "gzip", "timestamp", nullptr) != ArchiveLibrary::kOk) fail_compressing();
  if (lib.format_raw(compressor_) != ArchiveLibrary::kOk || lib.block_size(compressor_, 0) != ArchiveLibrary::kOk ||
      lib.last_block(compressor_, 1) != ArchiveLibrary::kOk ||
      lib.open(compressor_, this, nullptr, write_compressed, nullptr) != ArchiveLibrary::kOk)
    fail_compressing();
  archive_entry *whole = lib.new_entry();
  if (whole == nullptr) fail_with(ENOMEM, "archive_entry_new");
  lib.set_path(whole, "layer.tar");
  lib.set_type(whole, S_IFREG);
  const int status = lib.header(compressor_, whole);
  lib.free_entry(whole);
  if (status != ArchiveLibrary::kOk) fail_compressing();
}

ssize_t LayerSink::write_compressed(archive * /*writer*/, void *self, const void *data, size_t size) {
  auto *sink = static_cast<LayerSink *>(self);
  if (sink->failure_) return -1;
  try {
    sink->compressed_.update(data, size);
    sink->put(data, size);
    return static_cast<ssize_t>(size);
  } catch (...) {
    sink->failure_ = std::current_exception();
    return -1;
  }
}

void LayerSink::fail_compressing() {
  if (failure_) std::rethrow_exception(failure_);
  const char *why = archive_writing().error(compressor_);
  fail_with(EIO, "libarchive", why == nullptr ? "" : why);
}

void LayerSink::put(const void *data, size_t size) {
  write_all(fd_, data, size, name_.c_str());
  size_ += size;
}

void LayerSink::flush() {
  if (pending_ == 0) return;
  plain_.update(buffer_.data(), pending_);
  if (compressor_ == nullptr)
    put(buffer_.data(), pending_);
  else if (archive_writing().data(compressor_, buffer_.data(), pending_) != static_cast<ssize_t>(pending_))
    fail_compressing();
  tar_size_ += pending_;
  pending_ = 0;
}

void LayerSink::write(const void *data, size_t size) {
  const char *at = static_cast<const char *>(data);
  while (size > 0) {
    const size_t part = std::min(size, buffer_.size() - pending_);
    std::memcpy(buffer_.data() + pending_, at, part);
    pending_ += part;
    at += part;
    size -= part;
    if (pending_ == buffer_.size()) flush();
  }
}

void LayerSink::finish() {
  flush();
  if (compressor_ != nullptr && archive_writing().close(compressor_) != ArchiveLibrary::kOk) fail_compressing();
}

std::string LayerSink::digest() { return compressor_ == nullptr ? diff_id() : compressed_.finish(); }

} // namespace runt
