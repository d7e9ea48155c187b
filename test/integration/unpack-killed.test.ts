// Not in the virtual machine: unpacking is interrupted in the same way everywhere.
/** SIGKILL of `unpack` at any instant leaves no half bundle and no half layer, and the next one works. */
import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { signalled } from './concurrent.ts'
import { lacks, slow, underTest } from './harness.ts'
import { chainIdsOf, layoutFiles, writeFiles, type TestImage } from './images.ts'
import { tar } from './tar.ts'

const image: TestImage = {
  layers: [
    tar({ name: 'file', content: 'base' }, { name: 'd/', type: '5' }, { name: 'd/x', content: 'x' }),
    tar({ name: 'file', content: 'top' }, { name: '.wh.d' }),
  ],
}
const chain = chainIdsOf(image)

/** How many calls of each kind are taken, each n-th of them; what the engine does before counts too. */
const effects = { mkdir: 3, rename: 1, unlinkat: 3, write: 1, flock: 1, syncfs: 1, fchmod: 1, utimensat: 3, rmdir: 1 }
const most = 40

function isWhole(dir: string, bundle: string): boolean {
  const config = path.join(dir, bundle, 'config.json')
  if (!existsSync(config)) return false
  JSON.parse(readFileSync(config, 'utf8'))
  return existsSync(path.join(dir, bundle, 'rootfs'))
}

test.serial('killed at any instant, unpack leaves no half bundle and no half layer, and the next one works', (t) => {
  if (lacks(t, 'runt')) return
  const dir = mkdtempSync(path.join(tmpdir(), 'runt-killed-'))
  t.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', dir]).status, 0)
  t.teardown(() => {
    spawnSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true })
  })
  const layout = writeFiles(path.join(dir, 'layout'), layoutFiles({ web: image }))
  let kills = 0
  for (const [call, stride] of Object.entries(effects)) {
    for (let n = 1; n <= most; n += stride * (slow ? 4 : 1)) {
      const what = `before ${call} ${n}`
      const place = path.join(dir, `${call}-${n}`)
      mkdirSync(place)
      // A directory that is the user's, every other time.
      const own = kills % 2 === 1
      if (own) mkdirSync(path.join(place, 'web'))
      if (own) writeFileSync(path.join(place, 'web/mine'), 'mine')
      const killed = killedUnpack(t, { place, layout, by: signalled(call, n), what })
      if (killed) kills++
      checkAfter(t, { place, layout, what, own })
      rmSync(place, { recursive: true })
      if (!killed) break
    }
  }
  t.log(`${kills} kills`)
  t.true(kills > 10, 'it was killed at several places')
})

interface Attempt {
  place: string
  layout: string
  what: string
}

function runt(place: string, args: string[], by: string[] = []) {
  const [file, ...rest] = [...by, ...underTest, ...args]
  return spawnSync(file!, rest, { cwd: place, encoding: 'utf8', timeout: 120_000 })
}

const unpackOf = (layout: string) => ['unpack', '--store', 'store', '--image', layout, 'web']

function killedUnpack(t: ExecutionContext, { place, layout, by, what }: Attempt & { by: string[] }): boolean {
  const { status, signal, stderr } = runt(place, unpackOf(layout), by)
  if (signal !== 'SIGKILL') t.is(status, 0, `${what}: ${stderr}`)
  return signal === 'SIGKILL'
}

function checkAfter(t: ExecutionContext, { place, layout, what, own }: Attempt & { own: boolean }): void {
  const listed = runt(place, ['layers', '--store', 'store', '--format', 'json'])
  t.is(listed.stderr, '', what)
  for (const { chainId } of JSON.parse(listed.stdout) as { chainId: string }[]) {
    const at = chain.indexOf(chainId.slice('sha256:'.length))
    const file = path.join(place, 'store/layers/sha256', chain[at]!, 'fs/file')
    t.is(readFileSync(file, 'utf8'), at === 0 ? 'base' : 'top', what)
  }
  const whole = isWhole(place, 'web')
  if (!whole && !own) t.false(existsSync(path.join(place, 'web')), `${what}: a half bundle`)
  const again = runt(place, unpackOf(layout))
  t.is(again.status, whole ? 1 : 0, `${what}: ${again.stderr}`)
  if (whole) t.regex(again.stderr, /web\/config\.json exists/, what)
  t.true(isWhole(place, 'web'), what)
  t.is(runt(place, ['prune', '--store', 'store']).stdout, 'removed 0 layers, 0 B\n', what)
  const rest = (name: string) => readdirSync(path.join(place, name)).sort()
  t.deepEqual(rest('.'), ['store', 'web'], what)
  t.deepEqual(rest('web'), ['config.json', ...(own ? ['mine'] : []), 'rootfs'], what)
  t.deepEqual(rest('store/layers/sha256'), [...chain].sort(), what)
  t.deepEqual(rest('store/spool'), [], what)
}
