// What a process left with, and the clock that waiting goes by.
#pragma once
#include <napi.h>

#include <csignal>
#include <cstdint>

namespace runt {

// An ExitStatus of src/host/host.ts from what waitid(2) filled in.
Napi::Value exit_status(Napi::Env env, const siginfo_t &info);

int64_t monotonic_ms();

} // namespace runt
