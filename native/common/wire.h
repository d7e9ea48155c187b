// The wire format of a plan; src/plan/wire.ts writes it, native/init/decode.cpp reads it.
//
//   Header                                     36 bytes
//   steps: StepHeader + fields, one after the other   header.steps_size bytes, every record a multiple of 4
//   strings                                    header.strings_size bytes
//
// All numbers are little-endian. A string field is {offset, length} into the strings area, `length` without the NUL
// that must follow it; a list is {offset, length, count}: `count` strings, each with its NUL, `length` bytes in all.
// A field of bytes is {offset, length} into the same area, of any content, with nothing after it.
// The fields of each step, and the version (a hash of the table of steps), are generated: steps.gen.h, from
// src/plan/steps.ts.
//
// The reader trusts nothing: every size, offset, length, NUL, register and the absence of bytes left over is checked
// before a step is run.
#pragma once
#include <stdint.h>

namespace runt {

constexpr uint32_t kPlanMagic = 0x544e5552; // "RUNT"
constexpr uint32_t kNoRegister = 0xffffffff;
constexpr uint32_t kMaxRegisters = 65536;
constexpr uint32_t kMaxPlan = 64u << 20;

struct PlanHeader {
  uint32_t magic;
  uint32_t version;      // kPlanVersion of steps.gen.h
  uint32_t total;        // bytes of the whole plan
  uint32_t inputs;       // registers that are filled from outside
  uint32_t registers;    // all registers, inputs included
  uint32_t steps;        // number of steps
  uint32_t steps_size;   // bytes
  uint32_t strings_size; // bytes
  uint32_t timed;        // 1: init notes when it comes to each step (protocol.h); else 0
};
static_assert(sizeof(PlanHeader) == 36);

struct StepHeader {
  uint16_t op;   // Op of steps.gen.h
  uint16_t size; // of the record, this header included
};
static_assert(sizeof(StepHeader) == 4);

} // namespace runt
