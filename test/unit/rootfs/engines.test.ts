import test from 'ava'
import type { ConfigProblem } from '../../../src/errors.ts'
import { readLayers } from '../../../src/rootfs/overlay.ts'

test('layers are refused to container engines, which copy the annotations of images', (t) => {
  const problems: ConfigProblem[] = []
  readLayers({ 'io.runt.layers': '["/"]', 'io.container.manager': 'libpod' }, problems)
  t.deepEqual(
    problems.map(({ pointer, message }) => `${pointer} ${message}`),
    ['/annotations/io.runt.layers must not be there with io.container.manager, is "libpod"'],
  )
})
