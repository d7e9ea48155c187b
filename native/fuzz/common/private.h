// Files of a fuzzer's own.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace runt::fuzz {

[[noreturn]] inline void give_up(const char *why) {
  std::perror(why);
  std::abort();
}

// An empty /tmp, in a mount namespace of this process's own. Needs root.
void private_tmp();

void make_directory(const char *path);

void write_file(const char *path, std::string_view content);

// Covers a file with another, for this process.
void cover(const char *path, const char *with);

} // namespace runt::fuzz
