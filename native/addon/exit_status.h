// What a process left with.
#pragma once
#include <napi.h>

#include <csignal>

namespace runt {

// An ExitStatus of src/host/host.ts from what waitid(2) filled in.
Napi::Value exit_status(Napi::Env env, const siginfo_t &info);

} // namespace runt
