// Files without a name: init's executable, and the plan.
#pragma once
#include <cstddef>

#include "fd.h"

namespace runt {

// A copy of init's executable that nobody can write to, opened for execveat(2). See CVE-2019-5736: a container may
// open /proc/PID/exe for writing.
Fd open_init_image();

// The bytes in a sealed memfd, at offset 0.
Fd open_plan(const void *data, size_t size);

// The write(2) of all bytes; throws SystemFailure about `path`.
void write_all(int fd, const void *data, size_t size, const char *path);

} // namespace runt
