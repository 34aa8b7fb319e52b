import t from 'tap'
import { agree, RealClient } from './fixtures/real-client.ts'
import { startServer } from './fixtures/server.ts'

t.test('two real clients agree', async (t) => {
  const { endpoint } = await startServer(t)
  const a = new RealClient(t, endpoint, 'smoke')
  const b = new RealClient(t, endpoint, 'smoke')
  for (let i = 0; i < 50; i++) {
    a.type('a')
    b.type('b')
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.equal((await agree(a, b)).length, 100)
})
