import type { Bus, CreateBus, Subscriber } from '../nodes/bus.ts'

/**
 * A message broker in memory, for tests with several nodes in one process. Each call of the function is the bus of another node, so pass the
 * function itself: `bus` below, not `bus()`. A message arrives after `publish` has returned, at all nodes, also at its own.
 *
 * ```ts
 * const bus = memoryBus()
 * for (const app of apps) await app.register(secsync, { bus, … })
 * ```
 */
export function memoryBus (): CreateBus {
  const subscribersOf = new Map<string, Set<Subscriber>>()
  return () => new MemoryBus(subscribersOf)
}

class MemoryBus implements Bus {
  /** Those of all nodes, by channel. */
  readonly #all: Map<string, Set<Subscriber>>
  /** Those of this node. */
  readonly #own = new Map<string, Subscriber>()

  constructor (all: Map<string, Set<Subscriber>>) {
    this.#all = all
  }

  async publish (channel: string, message: string): Promise<void> {
    const subscribers = this.#all.get(channel)
    for (const subscriber of subscribers ?? []) {
      setImmediate(() => {
        if (subscribers?.has(subscriber)) subscriber.message(message)
      })
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const leave = (): void => {
      this.#all.get(channel)?.delete(subscriber)
      if (this.#own.get(channel) === subscriber) this.#own.delete(channel)
    }
    const replaced = this.#own.get(channel)
    if (replaced !== undefined) this.#all.get(channel)?.delete(replaced)
    this.#own.set(channel, subscriber)
    const subscribers = this.#all.get(channel) ?? new Set()
    this.#all.set(channel, subscribers.add(subscriber))
    setImmediate(() => {
      if (subscribers.has(subscriber)) subscriber.connected(true)
    })
    return leave
  }

  async close (): Promise<void> {
    for (const [channel, subscriber] of this.#own) this.#all.get(channel)?.delete(subscriber)
    this.#own.clear()
  }
}
