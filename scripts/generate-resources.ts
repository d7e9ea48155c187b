/**
 * Writes docs/resources.md from the table of resources (src/cgroups/knobs.ts): what becomes of each field of linux.resources.
 * `--check` writes nothing and fails if the file is stale.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultRules } from '../src/cgroups/devices.ts'
import { knobs } from '../src/cgroups/knobs.ts'

const file = fileURLToPath(new URL('../docs/resources.md', import.meta.url))

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
const code = (text: string): string => (text === '' ? '–' : `\`${text}\``)

const rows = knobs.map(({ pointer, file: name, controller, doc }) => {
  const field = pointer.slice(1).replaceAll('/', '.')
  return `| \`${field}\` | ${code(name)} | ${code(controller)} | ${cell(doc)} |`
})

const devices = defaultRules.map(({ type = 'a', major, minor, access = '' }) => {
  const number = (value: number | undefined): string => (value === undefined ? '*' : String(value))
  return `\`${type} ${number(major)}:${number(minor)} ${access}\``
})

const text = `# Resources

<!-- Generated from src/cgroups/knobs.ts by scripts/generate-resources.ts: do not edit. -->

What becomes of each field of \`linux.resources\`, in the order in which the files of the container's cgroup are written. The fields were made
for cgroup v1; runt has cgroup v2 alone. \`runt explain\` shows the writes of a bundle.

- Everything but memory is in force before the first instruction of the container's init; memory, before any program of the container.
- The cgroup gets every controller that the hierarchy has. One that a field needs and that cannot be had is an error, which names the
  field, what stands in the way and how to mend it. On a hybrid system, where cgroup v1 holds the controllers, that is every limit.
- A value that the kernel refuses is an error that names the file, the value and the field.
- What cgroup v2 cannot express is refused (config-linux.md, "Unified": "if the conversion is not possible the runtime MUST generate an
  error"). What has lost its meaning, and what Docker, Podman and nerdctl have a flag for and runc leaves alone, has no effect and is a
  warning in the log.
- A container that sees its cgroup alone (a cgroup namespace of its own) and has it mounted to be written to (\`/sys/fs/cgroup\` without
  \`ro\`) is given it: the directory and the files that /sys/kernel/cgroup/delegate lists go to the user of the program, whoever that is
  outside of the user namespace. The files of limits stay with their owner.

| Field | File | Controller | |
| --- | --- | --- | --- |
${rows.join('\n')}

\`devices\` becomes an eBPF program (\`BPF_PROG_TYPE_CGROUP_DEVICE\`): the rules in their order, a later one overriding an earlier one, nothing
allowed at first. Allowed after all of them, whatever they say: ${devices.join(', ')}.
`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is stale: run npm run generate`)
  process.exitCode = 1
}
