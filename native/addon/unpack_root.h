// Where a layer is unpacked: the file system that it changes, as a mount of this process alone.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "fd.h"

namespace runt {

// What whoever unpacks may do.
enum class Rights {
  // Everything: root of the machine.
  kAll = 0,
  // What root of a user namespace may: no devices, no attributes of the machine's. Overlayfs keeps its own attributes
  // as `user.overlay.…` (Documentation/filesystems/overlayfs.rst, userxattr).
  kUserNamespace = 1,
  // The same in one that has no ids but its root's: whoever an entry belongs to, the file is root's.
  kOneId = 2,
};

// The root of an overlay of directories, the topmost first, that is in no mount namespace: nobody else sees it, and it
// goes with its last descriptor. Changes go to `fs` in `directory`, which has a directory `work` beside it; without
// `directory` it can only be read. Of a single directory, with or without layers below, the mount is nosuid, nodev and
// noexec. Throws a SystemFailure.
Fd mount_layers(const std::vector<std::string> &layers, const std::string &directory, Rights rights);

// The same for the directory `fs` in `directory` alone.
Fd mount_base(const std::string &directory, Rights rights);

// Gives `fs` in `directory` what the root of the layer below, a directory, has: owner, mode, time and attributes.
// Without a layer below, `below` is empty: the time 0, as no archive tells it. An overlay shows the root of its topmost
// layer.
void inherit_root(const std::string &below, const std::string &directory);

// openat2(2) below a root, close-on-exec, by no magic link and into no other mount; `resolve`: RESOLVE_IN_ROOT, or what
// else is wanted. Not valid, with errno, where it fails.
Fd open_in(const Fd &root, const std::string &path, uint64_t flags, uint64_t resolve);

} // namespace runt
