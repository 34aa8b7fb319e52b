// A Redis Cluster of three real servers.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { redisBus } from '../../lib/index.ts'
import { busSuite } from '../../lib/testing/bus.ts'
import { silentLog } from '../../lib/testing/test.ts'
import { noRedis, startCluster } from '../fixtures/redis.ts'

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
})
