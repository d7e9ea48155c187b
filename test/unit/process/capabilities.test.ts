import test from 'ava'
import { capabilityMasks, namesOf } from '../../../src/process/capabilities.ts'

test('names become the bits of the kernel, in 64 bits', (t) => {
  const warnings: string[] = []
  const names = ['CAP_CHOWN', 'CAP_SETFCAP', 'CAP_CHECKPOINT_RESTORE']
  const masks = capabilityMasks({ bounding: names, permitted: names, effective: ['CAP_CHOWN'] }, warnings)
  t.is(masks.bounding, 1n | (1n << 31n) | (1n << 40n))
  t.is(masks.permitted, masks.bounding)
  t.is(masks.effective, 1n)
  t.is(masks.inheritable, 0n)
  t.deepEqual(warnings, [])
  t.deepEqual(namesOf(masks.bounding), names)
})

test('without capabilities the process has none', (t) => {
  const masks = capabilityMasks(undefined, [])
  t.deepEqual(masks, { bounding: 0n, effective: 0n, permitted: 0n, inheritable: 0n, ambient: 0n })
})

test('an unknown capability is left out', (t) => {
  t.is(capabilityMasks({ bounding: ['CAP_FUTURE', 'CAP_KILL'] }, []).bounding, 1n << 5n)
})

test('only what is permitted and inheritable can be ambient', (t) => {
  const all = ['CAP_KILL', 'CAP_CHOWN']
  const masks = capabilityMasks({ bounding: all, permitted: all, inheritable: ['CAP_KILL'], ambient: all }, [])
  t.is(masks.ambient, 1n << 5n)
})

test('what is inheritable but not in the bounding set is left out with a warning', (t) => {
  const warnings: string[] = []
  const masks = capabilityMasks({ bounding: ['CAP_KILL'], inheritable: ['CAP_KILL', 'CAP_SYS_ADMIN'] }, warnings)
  t.is(masks.inheritable, 1n << 5n)
  t.deepEqual(warnings, ['process.capabilities.inheritable: ignored CAP_SYS_ADMIN: not in the bounding set'])
})

test('what runt does not have itself is left out of every set, with a warning', (t) => {
  const warnings: string[] = []
  const all = ['CAP_KILL', 'CAP_SYS_ADMIN']
  const masks = capabilityMasks({ bounding: all, permitted: all, effective: all }, warnings, 1n << 5n)
  t.deepEqual([masks.bounding, masks.permitted, masks.effective], [1n << 5n, 1n << 5n, 1n << 5n])
  t.deepEqual(warnings, ['process.capabilities: ignored CAP_SYS_ADMIN: runt itself does not have them'])
})
