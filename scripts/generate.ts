/**
 * Writes from the table of steps (src/plan/steps.ts) native/common/steps.gen.h, the structs, the decoder and the dispatcher of init, and
 * src/plan/layouts.gen.ts, as much of the table as a plan's encoder needs. `--check` writes nothing and fails if a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fieldSize, type FieldKind } from '../src/plan/fields.ts'
import { stepNames, stepTable } from '../src/plan/steps.ts'

const notice = 'Generated from src/plan/steps.ts by scripts/generate.ts: do not edit.'

/** FNV-1a over the table: both ends compare it, so a plan never meets another version's init. */
const planVersion = (() => {
  let hash = 0x811c9dc5
  for (const name of stepNames) {
    for (const char of `${name}(${Object.entries(stepTable[name].fields).join(';')})`) {
      hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0
    }
  }
  return hash
})()

const cppType: Record<FieldKind, string> = {
  reg: 'Reg',
  regs: 'Regs',
  out: 'Out',
  u32: 'uint32_t',
  i32: 'int32_t',
  u64: 'uint64_t',
  str: 'Str',
  strs: 'Strs',
  bytes: 'Bytes',
}

const pascal = (name: string): string => name[0]!.toUpperCase() + name.slice(1)
/** C++ keywords get an underscore. */
const member = (name: string): string => (name === 'null' || name === 'signal' ? `${name}_` : name)

const structs = stepNames.map((name) => {
  const { doc, calls, fields } = stepTable[name]
  const members = Object.entries(fields).map(([key, kind]) => `  ${cppType[kind]} ${member(key)};`)
  const reads = Object.keys(fields).map((key) => `  d.read(s.${member(key)});`)
  return [
    `// ${doc}${calls === '' ? '' : `\n// ${calls}`}`,
    `struct ${pascal(name)}Step {`,
    ...members,
    '};',
    reads.length === 0
      ? `inline void decode(Decoder &, ${pascal(name)}Step &) {}`
      : `inline void decode(Decoder &d, ${pascal(name)}Step &s) {\n${reads.join('\n')}\n}`,
  ].join('\n')
})

const header = `// ${notice}
// clang-format off
#pragma once
#include <stdint.h>

#include "decoder.h"

namespace runt {

constexpr uint32_t kPlanVersion = 0x${planVersion.toString(16)};

enum class Op : uint16_t {
${stepNames.map((name) => `  ${pascal(name)},`).join('\n')}
};

constexpr uint16_t kOpCount = ${stepNames.length};

${structs.join('\n\n')}

// The size of each step's record on the wire.
constexpr uint16_t kStepSizes[kOpCount] = {
${stepNames.map((name) => `  ${4 + Object.values(stepTable[name].fields).reduce((sum, kind) => sum + fieldSize[kind], 0)}, // ${name}`).join('\n')}
};

// Decodes the step at the decoder and hands it to \`visit\`, a callable for every struct above.
template <class Visitor>
auto dispatch(Op op, Decoder &d, Visitor &&visit) -> decltype(visit(${pascal(stepNames[0]!)}Step{})) {
  switch (op) {
${stepNames
  .map(
    (name) =>
      `    case Op::${pascal(name)}: {\n      ${pascal(name)}Step s{};\n      decode(d, s);\n      return visit(s);\n    }`,
  )
  .join('\n')}
  }
  __builtin_unreachable();
}

}  // namespace runt
`

const layout = (name: (typeof stepNames)[number], op: number): string =>
  [op, ...Object.entries(stepTable[name].fields).map(([field, kind]) => `${field}:${kind}`)].join(' ')

const layouts = `/** ${notice} */

/** A hash of the table of steps, which a plan carries and init compares. */
export const planVersion = 0x${planVersion.toString(16)}

/** Of each step, in wire order: its number, and its fields with their kinds, in wire order. */
export const stepLayouts = {
${stepNames.map((name, op) => `  ${name}: '${layout(name, op)}',`).join('\n')}
} as const
`

function write(path: string, text: string): void {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  let old = ''
  try {
    old = readFileSync(file, 'utf8')
  } catch {
    // Not there yet.
  }
  if (old === text) return
  if (process.argv.includes('--check')) {
    console.error(`${path} is stale: run npm run generate`)
    process.exitCode = 1
  } else writeFileSync(file, text)
}

write('native/common/steps.gen.h', header)
write('src/plan/layouts.gen.ts', layouts)
