/** That what runs really is the runtime under test, where nobody was told of it. */
import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Docker } from './docker.ts'
import { unique, until, type Feature, type Setting } from './feature.ts'
import { asRunc, strangers } from './strangers.ts'

const image = 'box'

/** Whether a program is the runtime's; the command runt starts one beside it. */
function isUnderTest({ runtime, executable }: Setting, program: string): boolean {
  return runtime === 'runc' ? program === executable : program.startsWith(`${path.dirname(path.dirname(executable))}/`)
}

/** The state of a container must be in the runtime's own format. */
function hasOwnState(docker: Docker, id: string): void {
  const state = JSON.parse(readFileSync(`${docker.states}/${id}/state.json`, 'utf8')) as object
  assert.ok((docker.setting.runtime === 'runt' ? 'format' : 'init_process_pid') in state, Object.keys(state).join(' '))
}

/** The process with this command line, and its parents' programs. */
function findProcess(commandLine: string): { pid: number; programs: string[] } | undefined {
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      if (readFileSync(`/proc/${name}/cmdline`, 'utf8') !== `${commandLine.replaceAll(' ', '\0')}\0`) continue
      const programs: string[] = []
      for (let pid = parentOf(name); pid > 1; pid = parentOf(pid)) programs.push(readlinkSync(`/proc/${pid}/exe`))
      return { pid: Number(name), programs }
    } catch {
      // It ended meanwhile.
    }
  }
  return undefined
}

function parentOf(pid: number | string): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
}

let last = 90000
/** Looks at a build while its RUN sleeps, and ends it. */
async function duringBuild(
  docker: Docker,
  buildkit: '0' | '1',
  look: (programs: string[], asleep: string) => Promise<void>,
) {
  const folder = path.join(docker.dir, unique('build'))
  const asleep = `sleep ${++last}`
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), `FROM ${image}\nRUN exec ${asleep}\n`)
  const build = docker.client.exec(['build', '--network=none', folder], { env: { DOCKER_BUILDKIT: buildkit } })
  let found: ReturnType<typeof findProcess>
  await until('the step runs', () => {
    found = findProcess(asleep)
    return Promise.resolve(found !== undefined)
  })
  try {
    await look(found!.programs, asleep)
  } finally {
    process.kill(found!.pid, 'SIGKILL')
    const { status, told } = await build
    assert.notEqual(status, 0, told)
    assert.match(told, /\b137\b/)
  }
}

const proofs: readonly Feature<Docker>[] = [
  {
    feature: 'there is no other runc than the one under test',
    smoke: true,
    run: ({ setting }) => {
      assert.ok(existsSync('/usr/bin/runc') || existsSync('/usr/sbin/runc'))
      assert.deepEqual(strangers(setting.executable, process.env.PATH!, asRunc), [])
      return Promise.resolve()
    },
  },
  {
    feature: 'a container is the runtime’s: its state',
    smoke: true,
    run: async (docker) => {
      const id = await docker.client.ok`run -d ${image} sleep 1000`
      hasOwnState(docker, id)
      await docker.client.ok`rm -f ${id}`
    },
  },
  {
    feature: 'a build with the classic builder is the runtime’s: the step’s state',
    run: async (docker) => {
      await duringBuild(docker, '0', async (_programs, asleep) => {
        const running = await docker.client.ok`ps --no-trunc --format ${'{{.ID}} {{.Command}}'}`
        const id = running
          .split('\n')
          .find((line) => line.includes(asleep))
          ?.split(' ')[0]
        assert.ok(id, running)
        hasOwnState(docker, id)
      })
    },
  },
  {
    feature: 'a build with BuildKit is the runtime’s: the program above the step',
    smoke: true,
    run: async (docker) => {
      await duringBuild(docker, '1', (programs) => {
        assert.ok(isUnderTest(docker.setting, programs[0] ?? ''), programs.join('\n'))
        return Promise.resolve()
      })
    },
  },
]

/** The proofs, and these rows; only the proofs are shown in short. */
export function asRuncFeatures(rows: readonly Feature<Docker>[]): readonly Feature<Docker>[] {
  const known = new Set<string>()
  const others = rows.filter(({ feature }) => !known.has(feature) && known.add(feature))
  return [...proofs, ...others.map((row) => ({ ...row, smoke: false }))]
}
