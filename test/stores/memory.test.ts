// A correct store in memory: shows what the contract asks for, and that it can be met by others than Prisma's.
import t from 'tap'
import { correctMemoryStore } from '../fixtures/correct-memory-store.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { startServer } from '../fixtures/server.ts'
import { storeContract } from './contract.ts'

t.test('the contract', async (t) => await storeContract(t, correctMemoryStore()))

t.test('real clients agree with nothing but the three callbacks', async (t) => {
  const { endpoint } = await startServer(t, correctMemoryStore())
  const [a, b] = [0, 1].map(() => new RealClient(t, endpoint, 'document', { snapshotEvery: 5 })) as [RealClient, RealClient]
  for (let i = 0; i < 20; i++) {
    a.type('a')
    b.type('b')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(a, b)).length, 40)
})
