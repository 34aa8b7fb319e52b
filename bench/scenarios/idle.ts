import { closeClients, forEach, Client } from '../load/client.ts'
import { measure } from '../measure.ts'
import { allServers, type Described, type Scenario, type Size } from './scenario.ts'

/** Connections that do nothing, ten to a document. An operation is a connection that has its document. */
export function idle (size: Size, described: Described, { count }: { count: number }): Scenario {
  const { name } = described
  return {
    ...described,
    servers: [...allServers, 'idle'],
    async run (environment, server) {
      await server.ask('collectGarbage')
      const before = await server.ask('usage')
      const clients: Client[] = []
      const sample = await measure(environment, server, name, async (meter) => {
        await forEach(size.some(count), 100, async (index) => {
          const startedAt = performance.now()
          const client = await Client.open(server.url, `${name}-${Math.floor(index / 10)}`)
          meter.done(startedAt)
          meter.bytes += client.received
          clients.push(client)
        })
      })
      await server.ask('collectGarbage')
      const after = await server.ask('usage')
      await closeClients(clients)
      return { ...sample, memory: (after.live - before.live) / clients.length }
    }
  }
}
