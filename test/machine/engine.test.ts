/**
 * What becomes of a program that fails, in the engine of the executable (native/engine/main.cpp): it is told, and the command fails.
 * build-asan/engine_probe is the executable with test/machine/engine in place of src, under ASAN and UBSAN.
 */
import test from 'ava'
import { spawnSync } from 'node:child_process'

/** Like EX_SOFTWARE of sysexits.h. */
const broken = 70

/** By program: how it ends, and what it says. */
const ends: Record<string, [status: number, said: RegExp]> = {
  'rejected while it waits': [broken, /^runt: Error: awaited\n +at .*fail.*\n/],
  'throws at once': [broken, /^runt: TypeError: at once\n +at /],
  'throws no error': [broken, /^runt: only a text\n$/],
  'throws nothing at all': [broken, /^runt: undefined\n$/],
  'fails unseen, and leaves': [broken, /^runt: Error: unseen\n +at /],
  'fails unseen, and goes on': [broken, /^runt: Error: unseen\n +at /],
  'is told of late': [3, /^$/],
  'catches what it imports': [4, /^$/],
  'imports what rejects': [broken, /^runt: Error: imported, later\n +at /],
  'waits for ever': [broken, /^runt: the program waits for what never comes\n$/],
}

for (const [name, [status, said]] of Object.entries(ends))
  test(`a program that ${name} ends with ${status}`, (t) => {
    const ended = spawnSync('build-asan/engine_probe', [name], { encoding: 'utf8' })
    t.is(ended.status, status, ended.stderr)
    t.regex(ended.stderr, said)
    t.is(ended.stdout, '')
  })
