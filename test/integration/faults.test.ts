/** The short form of `npm run test:faults` (docs/reliability.md): a few system calls of every command, the same ones each time. */
// Not in the virtual machine: hundreds of commands under ptrace, of which few need controllers.
import test from 'ava'
import { actionsAt, scenarios, Stage } from '../faults/scenarios.ts'
import { lacks } from './harness.ts'

/** Every so many calls one is made to fail. */
const stride = 101

for (const [index, scenario] of scenarios.entries()) {
  test(`${scenario.name}: a system call that fails is told, or does no harm, and delete --force leaves nothing`, (t) => {
    if (lacks(t, 'executable')) return
    const stage = new Stage(scenario)
    t.teardown(() => {
      stage.close()
    })
    let reached = 0
    // Each command begins with another of its calls.
    for (let at = (index * 7) % stride; at < stage.points.length; at += stride) {
      const point = stage.points[at]!
      for (const action of actionsAt(point)) {
        const outcome = stage.meet(point, action)
        if (outcome.result !== 'missed') reached++
        const where = `${point.role} ${point.call} #${point.nth} ${point.name}: ${action}: ${outcome.result}`
        t.deepEqual(outcome.defects, [], `${where}: ${outcome.message}`)
      }
    }
    t.log(`${reached} faults`)
    t.true(reached > 0)
  })
}
