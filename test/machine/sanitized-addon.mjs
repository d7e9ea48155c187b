// Loads the addon of build-asan/ wherever another one is asked for. Node's engine is not built for a search of its leaks.
import { fileURLToPath } from 'node:url'

const sanitized = fileURLToPath(new URL('../../build-asan/runt.node', import.meta.url))
const dlopen = process.dlopen.bind(process)

process.dlopen = (module, file, ...flags) => dlopen(module, file.endsWith('/runt.node') ? sanitized : file, ...flags)
