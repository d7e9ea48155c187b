// Whether this code is a part of the executable (native/engine), or runt.node in somebody else's process.
#pragma once

// What only the executable has.
extern "C" __attribute__((weak, visibility("hidden"))) const unsigned char runt_modules[];

namespace runt {

inline bool in_executable() { return static_cast<const void *>(runt_modules) != nullptr; }

} // namespace runt
