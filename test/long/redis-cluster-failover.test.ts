// A Redis Cluster whose servers fail, while published clients write on three nodes.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { noRedis, startCluster, type RedisServer } from '../fixtures/redis.ts'
import { arrives, inTime, startTyping } from '../fixtures/typing-nodes.ts'

t.setTimeout(590_000)

t.test('its servers are killed one after the other', { skip: noRedis }, async (t) => {
  const cluster = await startCluster(t)
  const typing = await startTyping(t, cluster.client)
  await typing.isConnected()
  for (const server of cluster.nodes) {
    await typing.typeDuring((async () => {
      await server.stop()
      await typing.isConnected()
    })())
    await arrives(t, typing)
    await server.start()
    await inTime('the cluster is whole', cluster.isWhole())
  }
})

t.test('two of its three servers are frozen: all nodes get to the third one', { skip: noRedis }, async (t) => {
  const cluster = await startCluster(t)
  const typing = await startTyping(t, cluster.client)
  await typing.isConnected()
  const [first, second, third] = cluster.nodes as [RedisServer, RedisServer, RedisServer]
  const monitor = third.client()
  const isThere = async () => {
    while ((await monitor.pubsub('NUMSUB', 'app:fastify-secsync:1:/documents:disconnect') as [string, number])[1] < 3) await sleep(50)
  }
  await typing.typeDuring((async () => {
    first.pause()
    second.pause()
    await inTime('all nodes are at the third server', isThere())
    await typing.isConnected()
    await arrives(t, typing)
  })())
  for (const server of [first, second]) server.resume()
  await inTime('the cluster is whole', cluster.isWhole())
  await typing.typeDuring(typing.isConnected())
})
