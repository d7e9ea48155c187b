import { readFileSync } from 'node:fs'
import test from 'ava'
import { inspectExecutable, whyNotExecuted } from '../../../src/runtime/executable.ts'

/** An ELF header with one program header, PT_INTERP. */
function elf(options: { machine: number; bits?: 32 | 64; big?: boolean; loader?: string }): Buffer {
  const { machine, bits = 64, big = false, loader } = options
  const file = Buffer.alloc(256)
  const u16 = (value: number, at: number) => (big ? file.writeUInt16BE(value, at) : file.writeUInt16LE(value, at))
  const word = (value: number, at: number) => {
    if (bits === 32) return big ? file.writeUInt32BE(value, at) : file.writeUInt32LE(value, at)
    return big ? file.writeBigUInt64BE(BigInt(value), at) : file.writeBigUInt64LE(BigInt(value), at)
  }
  file.write('\x7fELF', 'latin1')
  file[4] = bits === 32 ? 1 : 2
  file[5] = big ? 2 : 1
  u16(machine, 18)
  word(64, bits === 64 ? 32 : 28)
  u16(bits === 64 ? 56 : 32, bits === 64 ? 54 : 42)
  if (loader === undefined) return file
  u16(1, bits === 64 ? 56 : 44)
  if (big) file.writeUInt32BE(3, 64)
  else file.writeUInt32LE(3, 64)
  word(128, bits === 64 ? 72 : 68)
  word(loader.length + 1, bits === 64 ? 96 : 80)
  file.write(`${loader}\0`, 128)
  return file
}

test('a script tells its interpreter', (t) => {
  t.deepEqual(inspectExecutable(Buffer.from('#! /usr/bin/env python3\nx')), {
    kind: 'script',
    interpreter: '/usr/bin/env',
  })
  t.deepEqual(inspectExecutable(Buffer.from('#!/bin/sh')), { kind: 'script', interpreter: '/bin/sh' })
  t.deepEqual(inspectExecutable(Buffer.from('#!')), { kind: 'script', interpreter: '' })
})

test('an ELF file tells its machine and loader, in either byte order and width', (t) => {
  const loader = '/lib/ld.so.1'
  t.deepEqual(inspectExecutable(elf({ machine: 62, loader })), { kind: 'elf', machine: 'x86_64', bits: 64, loader })
  t.deepEqual(inspectExecutable(elf({ machine: 22, big: true, loader })), {
    kind: 'elf',
    machine: 's390x',
    bits: 64,
    loader,
  })
  t.deepEqual(inspectExecutable(elf({ machine: 40, bits: 32, loader })), {
    kind: 'elf',
    machine: 'arm',
    bits: 32,
    loader,
  })
  t.deepEqual(inspectExecutable(elf({ machine: 183 })), {
    kind: 'elf',
    machine: 'aarch64',
    bits: 64,
    loader: undefined,
  })
})

test('a file that is cut off at any byte is no reason to fail', (t) => {
  const whole = elf({ machine: 62, loader: '/lib/ld.so' })
  for (let length = 0; length <= whole.length; length++) t.notThrows(() => inspectExecutable(whole.subarray(0, length)))
})

test('the program that runs this test is an ELF file with a loader', (t) => {
  const file = inspectExecutable(readFileSync(process.execPath).subarray(0, 1024))
  t.is(file.kind, 'elf')
  t.regex(file.kind === 'elf' ? (file.loader ?? '') : '', /ld-linux/)
})

test('why a program was not executed is told from its bytes', (t) => {
  const why = (code: string, bytes: string | Buffer) => whyNotExecuted(code, Buffer.from(bytes), 'x64') ?? ''
  t.regex(why('ENOENT', '#!/usr/bin/perl\n'), /interpreter "\/usr\/bin\/perl", which is not in the container$/)
  t.regex(why('ENOENT', '#!/bin/sh\r\n'), /carriage return/)
  t.regex(
    why('ENOENT', elf({ machine: 62, loader: '/lib64/ld-linux-x86-64.so.2' })),
    /loader \/lib64\/ld-linux-x86-64\.so\.2/,
  )
  t.is(why('ENOEXEC', elf({ machine: 183 })), 'it was built for aarch64, and this machine is x86_64')
  t.is(why('ENOEXEC', ''), 'the file is empty')
  t.regex(why('ENOEXEC', 'echo hi\n'), /neither an ELF program nor a script/)
  t.regex(why('EACCES', 'x'), /noexec/)
  t.is(why('EIO', 'x'), '')
})

test('no hint contains words by which daemons tell one failure from another', (t) => {
  for (const code of ['ENOENT', 'ENOEXEC', 'EACCES', 'ELIBBAD']) {
    for (const bytes of ['', '#!/bin/sh\n', 'x', elf({ machine: 62 }), elf({ machine: 40 })]) {
      const hint = whyNotExecuted(code, Buffer.from(bytes), 'x64') ?? ''
      t.notRegex(hint, /permission denied|no such file|not found in|is a directory|not a directory/i)
    }
  }
})
