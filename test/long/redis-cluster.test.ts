// A Redis Cluster of three real servers.
import { setTimeout as sleep } from 'node:timers/promises'
import { PrismaPg } from '@prisma/adapter-pg'
import t from 'tap'
import { redisBus } from '../../lib/index.ts'
import { busSuite } from '../../lib/testing/bus.ts'
import { silentLog } from '../../lib/testing/test.ts'
import { createDatabase } from '../fixtures/postgres.ts'
import { agree, RealClient } from '../fixtures/real-client.ts'
import { noRedis, startCluster } from '../fixtures/redis.ts'
import { startServer } from '../fixtures/server.ts'

t.test('a cluster', { skip: noRedis }, async (t) => {
  const cluster = await startCluster(t)
  const each = async (action: 'stop' | 'start') => await Promise.all(cluster.nodes.map((node) => node[action]()))

  await t.test('the suite of all buses', async (t) => {
    const broker = { createBus: redisBus(cluster.client()), interrupt: () => each('stop'), restore: () => each('start') }
    busSuite((name, run) => t.test(name, run), () => broker)
  })

  await t.test('a message is rejected when no server answers', async (t) => {
    const bus = await redisBus(cluster.client())(silentLog)
    t.teardown(() => bus.close())
    while (!await bus.publish('channel', 'ready', false).then(() => true, () => false)) await sleep(20)
    for (const node of cluster.nodes) node.pause()
    t.teardown(() => { for (const node of cluster.nodes) node.resume() })
    await t.rejects(bus.publish('channel', 'lost', false), { code: 'FST_SECSYNC_BUS_UNAVAILABLE' })
    for (const node of cluster.nodes) node.resume()
    await cluster.isWhole()
  })

  await t.test('clients on different nodes work together when a server of the cluster is killed', async (t) => {
    const { connectionString } = await createDatabase(t)
    const start = () => startServer(t, { adapter: new PrismaPg({ connectionString }), redis: cluster.client(), limits: { checkInterval: 500 } })
    const nodes = [await start(), await start()]
    const clients = nodes.map(({ endpoint }) => new RealClient(t, endpoint, 'document', { snapshotEvery: 30 }))
    clients[0]!.type('.')
    await agree(...clients)
    const typeAll = async (length: number): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        for (const client of clients) client.type('x')
        await new Promise((resolve) => setImmediate(resolve))
      }
      t.equal((await agree(...clients)).length, length)
    }
    await cluster.nodes[0]!.stop()
    await typeAll(21)
    for (const { app } of nodes) while ((await app.secsync.health()).bus !== 'connected');
    await typeAll(41)
    for (const { status } of clients) t.equal(status, 'connected')
  })
})
