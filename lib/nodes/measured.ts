import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Bus } from './bus.ts'

/** A bus whose published messages are counted. */
export function measuredBus (bus: Bus, telemetry: Telemetry): Bus {
  return {
    ...bus.maxMessageLength !== undefined && { maxMessageLength: bus.maxMessageLength },
    async publish (...args) {
      try {
        const published = await bus.publish(...args)
        telemetry.published('published')
        return published
      } catch (error) {
        telemetry.published('failed')
        throw error
      }
    },
    subscribe: (channel, subscriber) => bus.subscribe(channel, subscriber),
    close: () => bus.close()
  }
}
