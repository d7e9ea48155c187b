// Where the bytes of a layer go: hashed, compressed, hashed again, and to a descriptor.
#pragma once
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "archive.h"
#include "fd.h"
#include "sha256.h"

namespace runt {

enum class Compression { kNone, kGzip, kZstd };

class LayerSink {
 public:
  // `name` is for errors. The descriptor stays the caller's.
  LayerSink(int fd, std::string name, Compression compression);
  LayerSink(const LayerSink &) = delete;
  LayerSink &operator=(const LayerSink &) = delete;
  ~LayerSink();

  void write(const void *data, size_t size);
  // Nothing comes any more.
  void finish();

  // Bytes of tar, and of what was written.
  uint64_t tar_size() const { return tar_size_ + pending_; }
  uint64_t size() const { return size_; }
  // After finish(), once each.
  std::string digest();
  std::string diff_id() { return diff_id_.empty() ? diff_id_ = plain_.finish() : diff_id_; }

 private:
  static ssize_t write_compressed(archive *, void *self, const void *data, size_t size);
  void open_compressor(Compression compression);
  void flush();
  void put(const void *data, size_t size);
  // Throws what the callback kept, or what the library says.
  [[noreturn]] void fail_compressing();

  const int fd_;
  const std::string name_;
  std::vector<char> buffer_;
  size_t pending_ = 0;
  uint64_t tar_size_ = 0;
  uint64_t size_ = 0;
  Sha256 plain_;
  Sha256 compressed_;
  std::string diff_id_;
  archive *compressor_ = nullptr;
  // No exception may pass through the library: the callback keeps it here.
  std::exception_ptr failure_;
};

} // namespace runt
