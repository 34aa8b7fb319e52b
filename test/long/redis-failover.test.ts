// Redis with servers that take over from each other, while published clients and pipelining writers write on three nodes.
import { PrismaPg } from '@prisma/adapter-pg'
import t, { type Test } from 'tap'
import type { Redis } from 'ioredis'
import { createDatabase } from '../fixtures/postgres.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { noRedis, startSentinels } from '../fixtures/redis.ts'
import { startServer, type TestServer } from '../fixtures/server.ts'

t.setTimeout(120_000)

interface Typing {
  nodes: TestServer[]
  /** Types on all nodes until the promise resolves. All clients agree on all of it afterwards, and none has lost its connection. */
  typeDuring (event: Promise<unknown>): Promise<void>
  /** Waits until the bus of each node is connected. */
  isConnected (): Promise<void>
}

async function startTyping (t: Test, redis: () => Redis): Promise<Typing> {
  const { connectionString } = await createDatabase(t)
  const start = () => startServer(t, { adapter: new PrismaPg({ connectionString }), redis: redis(), limits: { checkInterval: 1000 } })
  const nodes = [await start(), await start(), await start()]
  const clients = nodes.map(({ endpoint }) => new RealClient(t, endpoint, 'document', { snapshotEvery: Infinity }))
  clients[0]!.type('.')
  let length = 1
  await agree(...clients)
  let hasLost = false
  for (const client of clients) void client.until(({ status }) => { hasLost ||= status !== 'connected'; return hasLost })
  return {
    nodes,
    async typeDuring (event) {
      const timer = setInterval(() => {
        for (const client of clients) client.type('x')
        length += clients.length
      }, 20)
      await event.finally(() => clearInterval(timer))
      t.equal((await agree(...clients)).length, length)
      t.notOk(hasLost, 'connected all the time')
    },
    async isConnected () {
      for (const { app } of nodes) while ((await app.secsync.health()).bus !== 'connected') await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** Not `once` of node:events: attempts to connect that fail are errors. */
async function is (redis: Redis, status: 'close' | 'ready'): Promise<void> {
  await new Promise<void>((resolve) => redis.once(status, () => resolve()))
}

/** What is typed arrives by the bus: with the next check it would come much later. */
async function arrivesAtOnce (t: Test, { nodes }: Typing): Promise<void> {
  const [here, there] = nodes.slice(1).map(({ endpoint }) => new RealClient(t, endpoint, 'another document')) as [RealClient, RealClient]
  here.type('.')
  await agree(here, there)
  const took: number[] = []
  for (let i = 0; i < 5; i++) {
    const startedAt = performance.now()
    here.type('x')
    await agree(here, there)
    took.push(performance.now() - startedAt)
  }
  t.ok(Math.min(...took) < 400, `${took.map(Math.round).join(', ')} ms`)
}

for (const event of ['killed', 'frozen'] as const) {
  t.test(`Sentinel: the master is ${event}, and the replica takes over`, { skip: noRedis }, async (t) => {
    const { master, client } = await startSentinels(t)
    const typing = await startTyping(t, client)
    await typing.isConnected()
    const other = client()
    await is(other, 'ready')
    await typing.typeDuring((async () => {
      const isBack = is(other, 'close').then(async () => await is(other, 'ready'))
      if (event === 'killed') await master.stop()
      else master.pause()
      await isBack
      await typing.isConnected()
    })())
    await arrivesAtOnce(t, typing)
  })
}
