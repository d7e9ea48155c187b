// The executable: QuickJS, the addon, and the modules of src as bytecode.
#pragma once
#include <cstddef>

#include "../../third_party/quickjs-ng/quickjs.h"

namespace runt::engine {

// What the addon registers (native/addon/addon.cpp), or an exception.
JSValue load_addon(JSContext *context);

// U+FFFD in place of every surrogate in what the engine calls UTF-8; of the same length.
void replace_surrogates(char *text, size_t length);

// A string of UTF-8. What is none becomes U+FFFD, encoded surrogates too: the engine would make one character of two of
// them, and so a name of what is none.
JSValue new_string(JSContext *context, const char *text, size_t length);

// The intrinsic objects that the modules use, and TextEncoder and TextDecoder.
bool add_globals(JSContext *context);

// The modules, made by native/engine/compile.cpp: one after the other {u32 length of the name, u32 length of the code,
// the name with its NUL, the code}, little-endian.
extern "C" const unsigned char runt_modules[];
extern "C" const size_t runt_modules_size;

} // namespace runt::engine
