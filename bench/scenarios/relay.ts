import { setTimeout as sleep } from 'node:timers/promises'
import { Client, closeClients, openClients } from '../load/client.ts'
import { Author } from '../load/messages.ts'
import { write, writeSnapshot } from '../load/write.ts'
import { measure } from '../measure.ts'
import { allServers, perRound, type Described, type Scenario, type Size } from './scenario.ts'

interface Load {
  readers: number
  kind: 'updates' | 'ephemeral messages'
  /** Updates that are not answered, or ephemeral messages that the last reader has not received. */
  window: number
  /** Messages. */
  count: number
}

/** One writer and many readers of one document. An operation is a message that has reached a reader. */
export function relay (size: Size, described: Described, { readers, kind, window, count }: Load): Scenario {
  const { name } = described
  const prepared = perRound((round) => {
    const docId = `${name}-${round}`
    const author = new Author()
    const snapshot = author.snapshot(docId)
    const count_ = size.some(count)
    return {
      docId,
      snapshot,
      messages: kind === 'updates' ? author.updates(docId, snapshot.id, count_) : author.ephemeralMessages(docId, count_)
    }
  })
  return {
    ...described,
    servers: allServers,
    async run (environment, server, round) {
      const { docId, snapshot, messages } = prepared(round)
      const writer = await Client.open(server.url, docId)
      await writeSnapshot(writer, snapshot.text)
      const clients = await openClients(readers, server.url, () => docId)
      const sample = await measure(environment, server, name, async (meter) => {
        const deadline = size.deadline()
        const sentAt = new Float64Array(messages.length)
        let sent = 0
        const sendMore = (received: number): void => {
          while (sent < messages.length && sent - received < window && performance.now() < deadline) {
            sentAt[sent] = performance.now()
            writer.send(messages[sent++]!)
          }
        }
        const delivered = Promise.all(clients.map(async (client, index) => {
          let received = 0
          await new Promise<void>((resolve) => {
            client.onMessage = (data) => {
              meter.done(sentAt[received++]!)
              meter.bytes += data.length
              if (kind === 'ephemeral messages' && index === clients.length - 1) sendMore(received)
              if (received === messages.length) resolve()
            }
          })
        }))
        if (kind === 'updates') await write({ client: writer, updates: messages, window, sentAt, deadline, onConfirmed () {} })
        else sendMore(0)
        await Promise.race([delivered, sleep(Math.max(100, deadline - performance.now()), undefined, { ref: false })])
      })
      await closeClients([writer, ...clients])
      return sample
    }
  }
}
