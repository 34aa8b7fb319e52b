import type { Bus, CreateBus } from '../nodes/bus.ts'

export interface ChaosOptions {
  /** The share of messages that are lost, 0 to 1. Default: 0.1. */
  drop?: number
  /** The share of messages that arrive twice, 0 to 1. Default: 0.1. */
  repeat?: number
  /** Maximum delay of a message in milliseconds. Messages with different delays arrive in another order. Default: 20. */
  delay?: number
  /** Gives a number from 0 to 1, for tests that run the same every time. Default: `Math.random`. */
  random?: () => number
}

/**
 * Wraps a bus so that it loses, repeats, delays and reorders messages, as every broker may. Nodes find lost changes after
 * `limits.checkInterval`, so make that short in tests.
 *
 * ```ts
 * const bus = chaosBus(memoryBus(), { drop: 0.5 })
 * for (const app of apps) await app.register(secsync, { bus, limits: { checkInterval: 100 }, … })
 * ```
 */
export function chaosBus (bus: CreateBus, { drop = 0.1, repeat = 0.1, delay = 20, random = Math.random }: ChaosOptions = {}): CreateBus {
  return async (log) => {
    const wrapped = await bus(log)
    const timers = new Set<NodeJS.Timeout>()
    const publishLater = (...args: Parameters<Bus['publish']>): void => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        wrapped.publish(...args).catch(() => {})
      }, random() * delay)
      timers.add(timer)
    }
    return {
      ...wrapped.maxMessageLength !== undefined && { maxMessageLength: wrapped.maxMessageLength },
      async publish (...args) {
        if (random() < drop) return
        publishLater(...args)
        if (random() < repeat) publishLater(...args)
      },
      subscribe: (channel, subscriber) => wrapped.subscribe(channel, subscriber),
      async close () {
        for (const timer of timers) clearTimeout(timer)
        await wrapped.close()
      }
    }
  }
}
