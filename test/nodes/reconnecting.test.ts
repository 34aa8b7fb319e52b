import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { Reconnecting, type Session } from '../../lib/nodes/reconnecting.ts'
import { flush } from '../fixtures/world.ts'

/** A session that opens and ends when a test says so. */
class TestSession implements Session {
  readonly ended: (err: Error) => void
  opens = (): void => {}
  fails = (_err: Error): void => {}
  isClosed = false

  constructor (ended: (err: Error) => void) {
    this.ended = ended
  }

  open (): Promise<void> {
    return new Promise((resolve, reject) => {
      this.opens = resolve
      this.fails = reject
    })
  }

  async close (): Promise<void> {
    this.isClosed = true
  }
}

function start (t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  t.capture(Math, 'random', () => 0.5)
  let now = 0
  t.capture(performance, 'now', () => now)
  const sessions: TestSession[] = []
  const events: string[] = []
  const reconnecting = new Reconnecting({
    name: 'The broker',
    create: (ended) => {
      const session = new TestSession(ended)
      sessions.push(session)
      return session
    },
    opened: () => { events.push('opened') },
    lost: ({ message }) => { events.push(message) }
  })
  return {
    sessions,
    events,
    reconnecting,
    /** The newest session. */
    last: () => sessions.at(-1)!,
    pass: async (ms: number) => {
      now += ms
      mock.timers.tick(ms)
      await flush()
    }
  }
}

t.test('a session that has ended, or could not be opened, is closed, and a new one is made', async (t) => {
  const { sessions, events, reconnecting, last, pass } = start(t)
  const [first] = sessions
  t.equal(reconnecting.session, undefined)
  first!.opens()
  await flush()
  t.equal(reconnecting.session, first)
  first!.ended(new Error('lost'))
  first!.ended(new Error('lost again'))
  t.equal(reconnecting.session, undefined)
  t.ok(first!.isClosed)
  await pass(49)
  t.equal(sessions.length, 1)
  await pass(1)
  t.equal(sessions.length, 2)
  last().fails(new Error('refused'))
  await flush()
  t.ok(last().isClosed)
  first!.ended(new Error('late'))
  t.strictSame(events, ['opened', 'lost', 'refused'])
})

t.test('the pause doubles up to five seconds, and is short again after a session that lasted', async (t) => {
  const { sessions, last, pass } = start(t)
  for (const pause of [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
    const { length } = sessions
    // Opened, but not for long.
    last().opens()
    await flush()
    last().ended(new Error('lost'))
    await pass(pause - 1)
    t.equal(sessions.length, length)
    await pass(1)
    t.equal(sessions.length, length + 1)
  }
  last().opens()
  await flush()
  await pass(5001)
  last().ended(new Error('lost'))
  const { length } = sessions
  await pass(50)
  t.equal(sessions.length, length + 1)
})

t.test('a session that neither opens nor fails is given up, and does not count when it opens late', async (t) => {
  const { sessions, events, reconnecting, pass } = start(t)
  await pass(30_000)
  await pass(50)
  t.equal(sessions.length, 2)
  sessions[0]!.opens()
  await flush()
  t.equal(reconnecting.session, undefined)
  t.strictSame(events, ['The broker does not answer'])
})

t.test('it can be closed in any state, and makes no session afterwards', async (t) => {
  const states: Array<[string, (session: TestSession) => void]> = [
    ['opening', () => {}], ['open', (session) => session.opens()], ['waiting', (session) => session.fails(new Error('refused'))]
  ]
  for (const [name, bring] of states) {
    await t.test(name, async (t) => {
      const { sessions, events, reconnecting, pass } = start(t)
      bring(sessions[0]!)
      await flush()
      const { length } = events
      await reconnecting.close()
      await reconnecting.close()
      sessions[0]!.opens()
      sessions[0]!.ended(new Error('late'))
      await pass(60_000)
      t.ok(sessions[0]!.isClosed)
      t.equal(sessions.length, 1)
      t.equal(events.length, length)
      t.equal(reconnecting.session, undefined)
    })
  }
})
