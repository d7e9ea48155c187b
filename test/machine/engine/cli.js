// What the executable's engine does with a program that fails: engine.test.ts. `runtEngine` is what native/engine/main.cpp gives a program.
const { addon, arguments: given } = globalThis.runtEngine
const exit = (code) => addon.exitNow(code)
const turn = () => new Promise((done) => Promise.resolve().then(done))
const fail = async (what) => {
  await turn()
  throw new Error(what)
}

const programs = {
  'rejected while it waits': () => fail('awaited'),
  'throws at once': () => {
    throw new TypeError('at once')
  },
  'throws no error': () => Promise.reject('only a text'),
  'throws nothing at all': () => Promise.reject(undefined),
  'fails unseen, and leaves': async () => {
    void fail('unseen')
    for (let count = 0; count < 10; count++) await turn()
    exit(0)
  },
  'fails unseen, and goes on': async () => {
    void fail('unseen')
    for (let count = 0; count < 10; count++) await turn()
  },
  'is told of late': async () => {
    const failed = fail('late')
    for (let count = 0; count < 10; count++) await turn()
    await failed.catch(() => {})
    exit(3)
  },
  'catches what it imports': async () => {
    for (const name of ['./throws.js', './rejects.js', './missing.js', './imports.js'])
      await import(name).then(
        () => exit(1),
        () => {},
      )
    await Promise.allSettled([fail('a'), fail('b')])
    await Promise.all([fail('c'), fail('d')]).catch(() => {})
    await Promise.race([turn(), fail('e')])
    exit(4)
  },
  'imports what rejects': () => import('./rejects.js'),
  'waits for ever': () => new Promise(() => {}),
}
await programs[given[1]]()
