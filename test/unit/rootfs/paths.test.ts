import test from 'ava'
import { containerPath, hostPath } from '../../../src/rootfs/paths.ts'

test('a path of the container is absolute, clean, and never above the root', (t) => {
  t.is(containerPath('/a//b/./c/'), '/a/b/c')
  t.is(containerPath('a/b'), '/a/b')
  t.is(containerPath('/../../etc'), '/etc')
  t.is(containerPath('/'), '/')
  t.is(containerPath(''), '/')
})

test('a relative path of the host starts at the bundle', (t) => {
  t.is(hostPath('/bundle', 'rootfs'), '/bundle/rootfs')
  t.is(hostPath('/bundle', '../shared'), '/shared')
  t.is(hostPath('/bundle', '/srv/./x'), '/srv/./x')
})
