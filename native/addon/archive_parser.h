// What takes apart the bytes of an archive, by libarchive: first what they are compressed with, then the tar. It runs
// in processes that can do nothing else (confined.h), and knows no descriptors.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "archive_entry.h"

namespace runt {

// Gives the next bytes, at most `size`; 0 at the end, -1 with errno.
using Source = std::function<ssize_t(void *buffer, size_t size)>;
// Takes bytes. What it throws comes out of the function that was given it.
using Sink = std::function<void(std::string_view bytes)>;

// Whether what begins so may be compressed; a plain tar may well be taken for it.
bool may_be_compressed(std::string_view start);

// Decompresses, by what the bytes say that they are: gzip, zstd or nothing. The source is read to its end. Throws
// Refused, or a SystemFailure.
void decompress(const Source &source, const Sink &plain);

// Parses a tar into records (archive_records.h), the last of which is an End or a Refused; `contents`: with Data. The
// source may have more after the archive's end. Throws a SystemFailure.
void parse_tar(const Source &source, const Sink &records, bool contents);

} // namespace runt
