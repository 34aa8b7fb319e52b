// A correct store in memory: shows what the contract asks for, and that it can be met by others than Prisma's.
import t from 'tap'
import { memoryStore } from '../../lib/testing/memory-store.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'
import { storeSuite } from '../../lib/testing/store.ts'

t.test('the suite of all stores', async (t) => {
  const store = memoryStore()
  storeSuite((name, run) => t.test(name, run), () => store)
})

t.test('real clients agree with nothing but the three callbacks', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 5 })) as [RealClient, RealClient]
  for (let i = 0; i < 20; i++) {
    a.type('a')
    b.type('b')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(a, b)).length, 40)
})
