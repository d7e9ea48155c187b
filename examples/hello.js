// node examples/hello.js ROOTFS [PROGRAM [ARGUMENT…]]   as root: runs a program in a container whose root is the directory ROOTFS
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defaultSpec, directContext, run } from 'runt-oci'

const [rootfs, ...args] = process.argv.slice(2)
const spec = defaultSpec()
spec.root = { path: resolve(rootfs), readonly: true }
spec.process = { ...spec.process, terminal: false, args: args.length > 0 ? args : ['echo', 'hello'] }
const bundle = mkdtempSync('/tmp/hello-')
writeFileSync(`${bundle}/config.json`, JSON.stringify(spec))
const status = await run({ id: `hello-${process.pid}`, bundle }, directContext())
rmSync(bundle, { recursive: true })
process.exitCode = status.kind === 'exited' ? status.code : 128 + status.signal
