import { Client, closeClients, forEach, openClients } from '../load/client.ts'
import { Author } from '../load/messages.ts'
import { write, writeSnapshot } from '../load/write.ts'
import { measure } from '../measure.ts'
import { allServers, perRound, type Described, type Scenario, type Size } from './scenario.ts'

interface Load {
  documents?: number
  /** Per document. */
  writers?: number
  /** How many updates of a writer may be unanswered. */
  window?: number
  /** Documents that are open besides. */
  idle?: number
  /** Updates of all writers together. */
  count?: number
}

/** Writers of documents. An operation is an update that is saved. */
export function updates (
  size: Size, described: Described, { documents = 1, writers = 1, window = 1, idle = 0, count = 6000 }: Load
): Scenario {
  const { name } = described
  const prepared = perRound((round) => Array.from({ length: documents }, (_, document) => {
    const docId = `${name}-${round}-${document}`
    const authors = Array.from({ length: writers }, () => new Author())
    const snapshot = authors[0]!.snapshot(docId)
    const count_ = size.some(count / documents / writers)
    return { docId, snapshot, updates: authors.map((author) => author.updates(docId, snapshot.id, count_)) }
  }))
  return {
    ...described,
    servers: allServers,
    async run (environment, server, round) {
      const readers = await openClients(idle, server.url, (index) => `idle-${index}`)
      const opened = await forEach(documents, 8, async (index) => {
        const { docId, snapshot, updates } = prepared(round)[index]!
        const first = await Client.open(server.url, docId)
        await writeSnapshot(first, snapshot.text)
        const others = await openClients(updates.length - 1, server.url, () => docId)
        return [first, ...others].map((client, index) => ({ client, updates: updates[index]! }))
      })
      const writers = opened.flat()
      const sample = await measure(environment, server, name, async (meter) => {
        const before = writers.map(({ client }) => client.received)
        const deadline = size.deadline()
        await Promise.all(writers.map(async ({ client, updates }) => {
          const sentAt = new Float64Array(updates.length)
          await write({ client, updates, window, sentAt, deadline, onConfirmed: (clock) => meter.done(sentAt[clock]!) })
        }))
        writers.forEach(({ client }, index) => { meter.bytes += client.received - before[index]! })
      })
      await closeClients([...readers, ...writers.map(({ client }) => client)])
      return sample
    }
  }
}
