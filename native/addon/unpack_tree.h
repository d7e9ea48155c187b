// Entries of a layer become files below a root. Every path is resolved once, inside the root, by openat2(2); what is
// made or removed is named in its parent's descriptor, and no last component is followed.
#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "archive_intake.h"
#include "fd.h"
#include "unpack_root.h"

namespace runt {

// One file of the layer that is being written.
struct OpenFile {
  Fd fd;
  Entry entry;
};

// What could not be made without the rights to it.
struct LeftOut {
  uint64_t count = 0;
  // The first one.
  std::string name;

  void add(const std::string &what) {
    if (count++ == 0) name = what;
  }
};

class LayerTree final : public Taker {
 public:
  // `on_others`: there are layers below, which whiteouts can hide.
  LayerTree(Fd root, bool on_others, Rights rights);

  // Makes what the entry stands for.
  bool add(Entry entry) override;
  void write(const char *data, size_t size, int64_t offset) override;
  void finish_file() override;
  // Directories get their times once nothing changes them any more, and all goes to the disk.
  void finish();

  const LeftOut &devices() const { return devices_; }
  const LeftOut &attributes() const { return attributes_; }

 private:
  // A directory and the name of something in it.
  struct Place {
    int parent;
    // Of the parent, from the root, without symlinks: "" or "/a/b".
    std::string directory;
    std::string name;

    std::string path() const { return directory + "/" + name; }
  };
  struct Metadata;

  Fd open_inside(const std::string &path, uint64_t flags) const;
  Fd make_parents(const std::string &path);
  std::string canonical(int fd) const;
  // Where a cleaned path, which is not the root's, lies. The parent's descriptor lives until the next call. With
  // `make`, what is missing of the parents is made.
  Place find(const std::string &path, bool make);
  void note_times(int directory, const std::string &path);
  void keep_time(const std::string &path, const timespec &time);
  void mark(const Place &place);
  bool marked(const std::string &path) const;

  void white_out(const std::string &path);
  void hide_others(int directory, const std::string &path, int depth);
  void remove(int parent, const std::string &name, const std::string &path, int depth);

  void add_root(const Entry &entry);
  void add_directory(const Entry &entry, const Place &place);
  void add_link(const Entry &entry, const Place &place, const std::string &target);
  void add_symlink(const Entry &entry, const Place &place);
  void add_node(const Entry &entry, const Place &place);
  void start_file(Entry entry, const Place &place);
  void describe(int fd, bool by_path, const Metadata &metadata, const std::string &path, bool existed);
  void describe_attributes(int fd, const Metadata &metadata, const std::string &path, bool existed);
  bool may_leave_out(std::string_view attribute, int error) const;
  Metadata metadata_of(const Entry &entry) const;

  Fd root_;
  std::string root_path_;
  const bool on_others_;
  const Rights rights_;
  LeftOut devices_;
  LeftOut attributes_;
  // Devices that were left out, by the hashes of their paths: hard links to them are, too.
  std::unordered_set<uint64_t> missing_;
  // The entry in work, as the archive has it.
  std::string entry_;
  OpenFile file_;
  // The parent of the last entry; forgotten as soon as anything is removed, which may have been on the way to it.
  Fd parent_;
  bool parent_stale_ = false;
  std::string parent_name_;
  std::string parent_path_;
  // Directories by their path without symlinks, and the time that they get at the end.
  std::unordered_map<std::string, timespec> times_;
  // What this layer made, which its whiteouts do not hide, and the directories above it: hashes of paths. Two of one
  // hash are the archive's own doing and harm only itself.
  std::unordered_set<uint64_t> made_;
};

// The components of an archive's path joined again, without `.`, doubled slashes and `..`; "" is the root. Throws
// Refused where it leaves the root, or is longer or deeper than anything that is kept.
std::string clean_path(std::string_view name, const std::string &entry);

} // namespace runt
