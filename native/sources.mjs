/**
 * The one list of native sources, which binding.gyp and CMakeLists.txt both read: `node native/sources.mjs LIST` prints the
 * sources of LIST, one in a line, relative to the root of the project.
 *
 *   addon        runt.node
 *   init         the machine, freestanding: its own _start and no libc
 *   engine       what makes an executable of QuickJS and the addon
 *   quickjs      QuickJS itself
 *   init-hosted  the same machine as an ordinary program, for the sanitizers
 */
import { existsSync, readdirSync } from 'node:fs'

const root = new URL('..', import.meta.url)

/** The sources in a directory, in a fixed order. */
const sourcesIn = (directory) => {
  const url = new URL(`${directory}/`, root)
  const names = existsSync(url) ? readdirSync(url) : []
  return names
    .filter((name) => /\.(cpp|c|S)$/.test(name))
    .sort()
    .map((name) => `${directory}/${name}`)
}

const lists = {
  addon: () => sourcesIn('native/addon'),
  init: () => [
    ...sourcesIn('native/freestanding'),
    ...sourcesIn('native/init').filter((path) => !path.endsWith('/hosted_main.cpp')),
  ],
  engine: () => sourcesIn('native/engine').filter((path) => !path.endsWith('/compile.cpp')),
  quickjs: () => sourcesIn('third_party/quickjs-ng'),
  'init-hosted': () => sourcesIn('native/init').filter((path) => !path.endsWith('.S')),
}

const list = lists[process.argv[2]]
if (list === undefined) throw new Error(`usage: sources.mjs ${Object.keys(lists).join('|')}`)
for (const path of list()) console.log(path)
