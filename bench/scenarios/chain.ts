import { Client } from '../load/client.ts'
import { Author, type Snapshot } from '../load/messages.ts'
import { write } from '../load/write.ts'
import { measure } from '../measure.ts'
import { allServers, perRound, type Described, type Scenario, type Size } from './scenario.ts'
import { store } from './stored.ts'

/** A writer, who waits for each answer, of a document that has many snapshots behind it. An operation is an update that is saved. */
export function chain (size: Size, described: Described, { snapshots, count }: { snapshots: number, count: number }): Scenario {
  const { name } = described
  let snapshot: Snapshot
  const prepared = perRound(() => new Author().updates(name, snapshot.id, size.some(count)))
  return {
    ...described,
    servers: allServers,
    async setUp (environment) {
      snapshot = new Author().snapshot(name)
      await store(environment, name, snapshot, [])
      for (const { database } of environment.servers) {
        await database?.query('UPDATE secsync_snapshot SET version = $2 WHERE document_id = $1', [name, snapshots])
        await database?.query('UPDATE secsync_document SET version = $2 WHERE id = $1', [name, snapshots])
        await database?.query(`INSERT INTO secsync_snapshot (document_id, id, version, parent_snapshot_proof, ciphertext_hash, data)
          SELECT $1, 'ancestor-' || i, i, parent_snapshot_proof, ciphertext_hash, data
          FROM secsync_snapshot, generate_series(1, $2::int - 1) AS i WHERE document_id = $1`, [name, snapshots])
      }
    },
    async run (environment, server, round) {
      const updates = prepared(round)
      const client = await Client.open(server.url, name)
      const sample = await measure(environment, server, name, async (meter) => {
        const sentAt = new Float64Array(updates.length)
        await write({
          client, updates, window: 1, sentAt, deadline: size.deadline(), onConfirmed: (clock) => meter.done(sentAt[clock]!)
        })
        meter.bytes = client.received
      })
      await client.close()
      return sample
    }
  }
}
