import { Client, closeClients, forEach, type Query } from '../load/client.ts'
import { Author, type Snapshot } from '../load/messages.ts'
import { measure } from '../measure.ts'
import { allServers, type Described, type Scenario, type Size } from './scenario.ts'
import { copyDocument, store } from './stored.ts'

interface Load {
  /** Updates of the document. */
  stored: number
  /** What the clients do not know of it: all, or so many updates. */
  missing?: number
  /** Each client wants another one of so many documents, more than the product keeps in memory. The limit has all in memory. */
  copies?: number
  /** Clients. */
  count: number
  atOnce?: number
}

/** Clients that come for a document. An operation is a document that has arrived, handshake and all. */
export function loads (size: Size, described: Described, { stored, missing, copies, count, atOnce = 1 }: Load): Scenario {
  const { name } = described
  const author = new Author()
  let snapshot: Snapshot
  let next = 0
  return {
    ...described,
    servers: allServers,
    async setUp (environment) {
      snapshot = author.snapshot(name)
      await store(environment, name, snapshot, author.updates(name, snapshot.id, stored))
      if (copies !== undefined) await copyDocument(environment, name, copies)
    },
    async run (environment, server) {
      const query: Query = missing === undefined
        ? {}
        : {
            mode: 'delta',
            knownSnapshotId: snapshot.id,
            knownSnapshotUpdateClocks: JSON.stringify({ [author.publicKey]: stored - missing - 1 })
          }
      const clients: Client[] = []
      const sample = await measure(environment, server, name, async (meter) => {
        const deadline = size.deadline()
        await forEach(size.some(count), atOnce, async () => {
          const startedAt = performance.now()
          if (startedAt > deadline) return
          const docId = copies === undefined || server.name === 'limit' ? name : `${name}-${next++ % copies}`
          const client = await Client.open(server.url, docId, query)
          meter.done(startedAt)
          meter.bytes += client.received
          if (atOnce === 1) await client.close()
          else clients.push(client)
        })
      })
      await closeClients(clients)
      return sample
    }
  }
}
