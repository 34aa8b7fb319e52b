import t from 'tap'
import { busSuite } from '../../lib/testing/bus.ts'
import { chaosBus } from '../../lib/testing/chaos-bus.ts'
import { memoryBus } from '../../lib/testing/memory-bus.ts'
import { silentLog } from '../../lib/testing/test.ts'
import { memoryStore } from '../../lib/testing/memory-store.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'

t.test('the bus in memory passes the suite of all buses', async (t) => {
  const createBus = memoryBus()
  busSuite((name, run) => t.test(name, run), () => ({ createBus }))
})

t.test('a bus with chaos loses, repeats, delays and reorders', async (t) => {
  const numbers = [0.05, 0.5, 0.9, 0.5, 0.5, 0.1, 0.5, 0.5, 0.4, 0.05, 0.6]
  const createBus = chaosBus(() => ({ ...broker, maxMessageLength: 2000 }), { drop: 0.1, repeat: 0.1, delay: 100, random: () => numbers.shift() ?? 0.5 })
  const published: string[] = []
  let isClosed = false
  let arrived = (): void => {}
  const broker = {
    publish: async (_channel: string, message: string) => {
      published.push(message)
      arrived()
      throw new Error('A broker that fails')
    },
    subscribe: () => () => {},
    close: async () => { isClosed = true }
  }
  const bus = await createBus(silentLog)
  t.equal(bus.maxMessageLength, 2000)
  const all = new Promise<void>((resolve) => { arrived = () => { if (published.length === 4) resolve() } })
  for (const message of ['lost', 'late', 'early', 'twice']) await bus.publish('channel', message, false)
  await all
  t.strictSame(published, ['early', 'twice', 'twice', 'late'])
  await bus.publish('channel', 'never', false)
  await bus.close()
  t.equal(isClosed, true)
})

t.test('real clients on three nodes agree although half of the messages are lost', async (t) => {
  const [bus, store] = [chaosBus(memoryBus(), { drop: 0.5, repeat: 0.3, delay: 30 }), memoryStore()]
  const nodes = [0, 1, 2].map(() => startServer(t, { bus, ...store, limits: { checkInterval: 100 } }))
  const clients = (await Promise.all(nodes)).map(({ endpoint }) => new RealClient(t, endpoint, 'document', { snapshotEvery: 20 }))
  for (let i = 0; i < 20; i++) {
    for (const client of clients) client.type('x')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(...clients)).length, 60)
})
