import { Client } from '../load/client.ts'
import { Author, type Snapshot } from '../load/messages.ts'
import { writeSnapshot } from '../load/write.ts'
import { measure } from '../measure.ts'
import { allServers, perRound, type Described, type Scenario, type Size } from './scenario.ts'

/** One author who replaces one big snapshot by the next. An operation is a snapshot that is saved. */
export function snapshots (size: Size, described: Described, { bytes, count }: { bytes: number, count: number }): Scenario {
  const { name } = described
  const prepared = perRound((round) => {
    const docId = `${name}-${round}`
    const author = new Author()
    const chain: Snapshot[] = []
    for (let i = 0; i < size.some(count); i++) chain.push(author.snapshot(docId, { bytes, parent: chain.at(-1) }))
    return { docId, chain }
  })
  return {
    ...described,
    servers: allServers,
    async run (environment, server, round) {
      const { docId, chain } = prepared(round)
      const client = await Client.open(server.url, docId)
      const sample = await measure(environment, server, name, async (meter) => {
        const before = client.received
        for (const { text } of chain) {
          const startedAt = performance.now()
          await writeSnapshot(client, text)
          meter.done(startedAt)
        }
        meter.bytes = client.received - before
      })
      await client.close()
      return sample
    }
  }
}
