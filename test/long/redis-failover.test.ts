// Redis with sentinels: a replica takes over, while published clients write on three nodes.
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { noRedis, startSentinels, type RedisServer } from '../fixtures/redis.ts'
import { arrives, inTime, startTyping } from '../fixtures/typing-nodes.ts'

t.setTimeout(590_000)

/** Resolves when the replica is the master. */
async function takesOver (replica: RedisServer): Promise<void> {
  const client = replica.client()
  while ((await client.role())[0] !== 'master') await sleep(20)
}

for (const event of ['killed', 'frozen'] as const) {
  t.test(`Sentinel: the master is ${event}, and the replica takes over`, { skip: noRedis }, async (t) => {
    const { master, replica, client } = await startSentinels(t)
    const typing = await startTyping(t, client)
    await typing.isConnected()
    await typing.typeDuring((async () => {
      if (event === 'killed') await master.stop()
      else master.pause()
      await inTime('the replica takes over', takesOver(replica))
      await typing.isConnected()
    })())
    await arrives(t, typing)
  })
}
