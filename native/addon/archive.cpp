#include "archive.h"

#include <dlfcn.h>
#include <iconv.h>

#include "failure.h"

namespace runt {

namespace {

constexpr const char *kName = "libarchive.so.13";

template <class Function>
void find(void *handle, const char *name, Function &function) {
  function = reinterpret_cast<Function>(::dlsym(handle, name));
  if (function == nullptr) fail_with(ENOSYS, "dlsym", std::string(kName) + " (too old: it has no " + name + ")");
}

void *open_library() {
  void *handle = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char *why = ::dlerror();
    fail_with(ENOENT, "dlopen", why == nullptr ? kName : why);
  }
  return handle;
}

ArchiveLibrary load() {
  ArchiveLibrary library;
  void *handle = open_library();
  find(handle, "archive_read_new", library.make);
  find(handle, "archive_read_free", library.release);
  find(handle, "archive_read_support_filter_gzip", library.filter_gzip);
  find(handle, "archive_read_support_filter_zstd", library.filter_zstd);
  find(handle, "archive_read_support_format_raw", library.format_raw);
  find(handle, "archive_read_support_format_tar", library.format_tar);
  find(handle, "archive_read_support_format_empty", library.format_empty);
  find(handle, "archive_read_open", library.open);
  find(handle, "archive_read_next_header", library.next_header);
  find(handle, "archive_read_data_block", library.data_block);
  find(handle, "archive_error_string", library.error);
  find(handle, "archive_entry_pathname", library.path);
  find(handle, "archive_entry_hardlink", library.hardlink);
  find(handle, "archive_entry_symlink", library.symlink);
  find(handle, "archive_entry_mode", library.mode);
  find(handle, "archive_entry_filetype", library.file_type);
  find(handle, "archive_entry_uid", library.uid);
  find(handle, "archive_entry_gid", library.gid);
  find(handle, "archive_entry_size", library.size);
  find(handle, "archive_entry_mtime", library.mtime);
  find(handle, "archive_entry_mtime_nsec", library.mtime_nanoseconds);
  find(handle, "archive_entry_rdevmajor", library.device_major);
  find(handle, "archive_entry_rdevminor", library.device_minor);
  find(handle, "archive_entry_xattr_reset", library.xattr_reset);
  find(handle, "archive_entry_xattr_next", library.xattr_next);
  // The conversion that names in pax headers go through in the C locale, kept open: the processes that parse cannot
  // open the C library's tables any more. Without it they take the names as they are.
  static iconv_t plain = ::iconv_open("ANSI_X3.4-1968", "UTF-8");
  static_cast<void>(plain);
  return library;
}

ArchiveWriting load_writing() {
  ArchiveWriting library;
  void *handle = open_library();
  find(handle, "archive_write_new", library.make);
  find(handle, "archive_write_free", library.release);
  find(handle, "archive_write_add_filter_gzip", library.filter_gzip);
  find(handle, "archive_write_add_filter_zstd", library.filter_zstd);
  find(handle, "archive_write_set_filter_option", library.filter_option);
  find(handle, "archive_write_set_format_raw", library.format_raw);
  find(handle, "archive_write_set_bytes_per_block", library.block_size);
  find(handle, "archive_write_set_bytes_in_last_block", library.last_block);
  find(handle, "archive_write_open", library.open);
  find(handle, "archive_write_header", library.header);
  find(handle, "archive_write_data", library.data);
  find(handle, "archive_write_close", library.close);
  find(handle, "archive_error_string", library.error);
  find(handle, "archive_entry_new", library.new_entry);
  find(handle, "archive_entry_free", library.free_entry);
  find(handle, "archive_entry_set_pathname", library.set_path);
  find(handle, "archive_entry_set_filetype", library.set_type);
  return library;
}

} // namespace

const ArchiveLibrary &archive_library() {
  static const ArchiveLibrary loaded = load();
  return loaded;
}

const ArchiveWriting &archive_writing() {
  static const ArchiveWriting loaded = load_writing();
  return loaded;
}

PlainNames::PlainNames() {
  static locale_t plain = ::newlocale(LC_ALL_MASK, "C", nullptr);
  if (plain == nullptr) fail("newlocale");
  before_ = ::uselocale(plain);
}

PlainNames::~PlainNames() { ::uselocale(before_); }

} // namespace runt
