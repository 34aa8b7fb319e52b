import type { FastifyBaseLogger } from 'fastify'
import { BusUnavailable } from '../errors.ts'
import type { Bus, CreateBus, Subscriber } from './bus.ts'
import { Reconnecting } from './reconnecting.ts'
import { RedisServers, type RedisClient } from './redis-client.ts'
import { RedisSession } from './redis-session.ts'
import { Troubles } from './troubles.ts'
import { Unsent } from './unsent.ts'

interface Subscription {
  subscriber: Subscriber
  isConnected: boolean
}

const troubles = {
  away: ['Redis is unavailable. Nodes poll the store until it is back', 'Redis is available again'],
  deaf: ['Redis rejects subscriptions. This node polls the store until they succeed', 'Redis accepts subscriptions again']
} as const

/** Maximum number of channels in one command. */
const maxChannels = 1000

/** The bus of the option `redis`, for tests and for wrapping it. The client stays yours: the bus opens connections of its own with its options. */
export function redisBus (redis: RedisClient): CreateBus {
  return (log) => new RedisBus(redis, log)
}

/** A bus on Redis channels. */
export class RedisBus implements Bus {
  /** The client's `keyPrefix`. ioredis does not add it to channels. */
  readonly #prefix: string
  readonly #troubles: Troubles<keyof typeof troubles>
  /** By the channel's name with prefix. */
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #sessions: Reconnecting<RedisSession>
  #unsent = new Unsent()

  constructor (redis: RedisClient, log: FastifyBaseLogger) {
    this.#prefix = String(redis.options?.keyPrefix ?? '')
    this.#troubles = new Troubles(troubles, log)
    const servers = new RedisServers(redis)
    this.#sessions = new Reconnecting({
      name: 'Redis',
      create: (ended) => new RedisSession(servers, this.#prefix, {
        message: (channel, message) => this.#subscriptions.get(channel)?.subscriber.message(message),
        checked: () => this.#subscribeToAll(),
        ended
      }),
      opened: () => {
        this.#troubles.isOver('away')
        this.#subscribeToAll()
      },
      lost: (err) => this.#lost(err)
    })
  }

  async publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    const { session } = this.#sessions
    if (session === undefined) throw new BusUnavailable('Redis is not connected')
    const unsent = this.#unsent
    unsent.add(message, isEphemeral)
    try {
      await session.publish(this.#prefix + channel, message)
    } catch (err) {
      throw new BusUnavailable(reasonOf(err as Error))
    } finally {
      unsent.remove(message)
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const name = this.#prefix + channel
    const subscription = { subscriber, isConnected: false }
    this.#subscriptions.set(name, subscription)
    void this.#subscribe([name])
    return () => {
      // The channel may have a new subscriber.
      if (this.#subscriptions.get(name) !== subscription) return
      this.#subscriptions.delete(name)
      this.#sessions.session?.unsubscribe(name).catch(() => {})
    }
  }

  async #subscribe (names: string[]): Promise<void> {
    const { session } = this.#sessions
    if (session === undefined) return
    const asked = names.map((name) => this.#subscriptions.get(name))
    try {
      await session.subscribe(names)
    } catch (err) {
      if (session === this.#sessions.session) this.#troubles.begins('deaf', reasonOf(err as Error))
      return
    }
    // The subscriptions of a session that has ended are lost.
    if (session !== this.#sessions.session) return
    this.#troubles.isOver('deaf')
    names.forEach((name, index) => {
      const subscription = asked[index]
      if (subscription === undefined || subscription.isConnected || this.#subscriptions.get(name) !== subscription) return
      subscription.isConnected = true
      subscription.subscriber.connected(true)
    })
  }

  /** Also those that have failed. */
  #subscribeToAll (): void {
    const names = [...this.#subscriptions].filter(([, { isConnected }]) => !isConnected).map(([name]) => name)
    for (let i = 0; i < names.length; i += maxChannels) void this.#subscribe(names.slice(i, i + maxChannels))
  }

  #lost (err: Error): void {
    this.#troubles.begins('away', reasonOf(err))
    // `publish` calls on a lost connection may settle late.
    this.#unsent = new Unsent()
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.isConnected) continue
      subscription.isConnected = false
      subscription.subscriber.connected(false)
    }
  }

  async close (): Promise<void> {
    this.#subscriptions.clear()
    await this.#sessions.close()
  }
}

/** The message without the command's arguments: they may contain the password. */
function reasonOf ({ message }: Error): string {
  return message.replace(/,? with args.*/s, '')
}
