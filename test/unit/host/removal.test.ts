import test, { type ExecutionContext } from 'ava'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SystemError } from '../../../src/errors.ts'
import { directHost } from '../../../src/host/direct.ts'

const { files } = directHost()

function tree(t: ExecutionContext): { above: string; dir: string } {
  const above = mkdtempSync(path.join(tmpdir(), 'runt-removal-'))
  t.teardown(() => rmSync(above, { recursive: true, force: true }))
  const dir = path.join(above, 'tree')
  mkdirSync(dir)
  return { above, dir }
}

function python(script: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('python3', ['-c', script, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

test('a tree that is deeper than any path and any stack is removed', async (t) => {
  const { above, dir } = tree(t)
  python('import os, sys\nos.chdir(sys.argv[1])\nfor i in range(5000):\n  os.mkdir("d"*50); os.chdir("d"*50)', dir)
  await files.removeDeep(dir)
  t.deepEqual(readdirSync(above), [])
})

test('links are removed, and not what they lead to; names may be anything', async (t) => {
  const { above, dir } = tree(t)
  const kept = path.join(above, 'kept')
  mkdirSync(kept)
  writeFileSync(path.join(kept, 'file'), '')
  symlinkSync(kept, path.join(dir, 'link'))
  mkdirSync(path.join(dir, 'below/.removed-0/.removed-1'), { recursive: true })
  symlinkSync(kept, path.join(dir, 'below/.removed-0/link'))
  mkdirSync(path.join(dir, '.removed-0/x'), { recursive: true })
  python(
    'import os, sys\nos.mkdir(os.fsencode(sys.argv[1]) + b"/\\xff\\n"); open(os.fsencode(sys.argv[1]) + b"/\\xff\\n/\\xfe", "w")',
    dir,
  )
  await files.removeDeep(dir)
  t.deepEqual(readdirSync(above), ['kept'])
  t.deepEqual(readdirSync(kept), ['file'])
})

test('wide trees go, and directories that nobody may enter', async (t) => {
  const { above, dir } = tree(t)
  for (let index = 0; index < 300; index++) {
    mkdirSync(path.join(dir, `directory-${index}/inner`), { recursive: true })
    writeFileSync(path.join(dir, `directory-${index}/inner/file`), '')
    chmodSync(path.join(dir, `directory-${index}/inner`), 0)
    chmodSync(path.join(dir, `directory-${index}`), 0o500)
  }
  await files.removeDeep(dir)
  t.deepEqual(readdirSync(above), [])
})

test('files that may not change are removed all the same', async (t) => {
  const { above, dir } = tree(t)
  mkdirSync(path.join(dir, 'below/inner'), { recursive: true })
  writeFileSync(path.join(dir, 'below/inner/file'), '')
  if (process.geteuid!() === 0) {
    // Not every filesystem has the attributes.
    spawnSync('chattr', ['+i', path.join(dir, 'below/inner/file')])
    spawnSync('chattr', ['+a', path.join(dir, 'below/inner')])
    spawnSync('chattr', ['+i', path.join(dir, 'below')])
  }
  await files.removeDeep(dir)
  t.deepEqual(readdirSync(above), [])
})

test('what is missing is fine; a link, a file or a mount in the place of the tree is not touched', async (t) => {
  const { above, dir } = tree(t)
  await t.notThrowsAsync(async () => files.removeDeep(path.join(above, 'missing')))
  await t.notThrowsAsync(async () => files.removeDeep(path.join(above, 'missing/below')))
  symlinkSync(dir, path.join(above, 'link'))
  writeFileSync(path.join(above, 'file'), '')
  for (const name of ['link', 'file'])
    await t.throwsAsync(async () => files.removeDeep(path.join(above, name)), { instanceOf: SystemError }, name)
  t.true(existsSync(dir))
  for (const given of ['/', '.', '..', `${dir}/`, `${dir}/..`])
    t.throws(() => files.removeDeep(given), { instanceOf: TypeError }, given)
})
