import type { FastifyBaseLogger } from 'fastify'
import { BusUnavailable } from '../errors.ts'
import type { Bus, CreateBus, Subscriber } from './bus.ts'
import { Troubles } from './troubles.ts'
import { Unsent } from './unsent.ts'

/** The part of an ioredis client that is used. */
export interface RedisClient {
  readonly options?: { keyPrefix?: string | Buffer | undefined }
  readonly status: string
  publish (channel: string, message: string): Promise<number>
  duplicate (options: object): RedisSubscriber
  on (event: string, listener: () => void): unknown
  off (event: string, listener: () => void): unknown
}

interface RedisSubscriber {
  readonly status: string
  connect (): Promise<unknown>
  subscribe (...channels: string[]): Promise<unknown>
  unsubscribe (...channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  on (event: string, listener: (...args: never[]) => void): unknown
  disconnect (reconnect?: boolean): void
}

interface Subscription {
  subscriber: Subscriber
  isConnected: boolean
}

const troubles = {
  away: ['Redis is unavailable. Nodes poll the store until it is back', 'Redis is available again'],
  deaf: ['Redis rejects subscriptions. This node polls the store until they succeed', 'Redis accepts subscriptions again'],
  mute: ['Redis rejects messages of this node. Other nodes poll the store until it accepts them', 'Redis accepts messages of this node again']
} as const

/** Maximum number of channels in one command. */
const maxChannels = 1000

/** Milliseconds between two pings, and time limit for the reply. */
const pingInterval = 5000
const pingTimeout = 2000

/** The bus of the option `redis`, for tests and for wrapping it. The client stays yours: the bus does not close it. */
export function redisBus (redis: RedisClient): CreateBus {
  return (log) => new RedisBus(redis, log)
}

/** A bus on Redis channels. It publishes with the user's client, and subscribes with a second connection: that one cannot run other commands. */
export class RedisBus implements Bus {
  readonly #redis: RedisClient
  readonly #subscriber: RedisSubscriber
  /** The client's `keyPrefix`. ioredis does not add it to channels. */
  readonly #prefix: string
  readonly #troubles: Troubles<keyof typeof troubles>
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #heartbeat: NodeJS.Timeout
  #pingTimer: NodeJS.Timeout | undefined
  /** A new object per connection, because `publish` calls on a lost connection may never settle. */
  #unsent = new Unsent()
  readonly #forgetUnsent = (): void => { this.#unsent = new Unsent() }

  constructor (redis: RedisClient, log: FastifyBaseLogger) {
    this.#redis = redis
    this.#prefix = String(redis.options?.keyPrefix ?? '')
    this.#troubles = new Troubles(troubles, log)
    redis.on('close', this.#forgetUnsent)
    // ioredis reconnects this connection. Subscriptions are restored here, not by ioredis, so that subscribers learn when they are active.
    this.#subscriber = redis.duplicate({
      keyPrefix: '', autoResubscribe: false, autoResendUnfulfilledCommands: false, lazyConnect: false, commandTimeout: undefined
    })
    this.#subscriber.on('ready', () => this.#onReady())
    this.#subscriber.on('close', () => this.#onClose())
    this.#subscriber.on('error', (err: Error) => this.#troubles.begins('away', reasonOf(err)))
    this.#subscriber.on('message', (channel: string, message: string) => this.#subscriptions.get(channel)?.subscriber.message(message))
    this.#heartbeat = setInterval(() => this.#check(), pingInterval).unref()
  }

  async publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    // A disconnected client would queue the message until it is outdated. A client in status `wait` connects on its first command.
    const { status } = this.#redis
    if (status === 'end') this.#troubles.begins('mute', 'the ioredis client has ended')
    if (status !== 'ready' && status !== 'wait') throw new BusUnavailable('Redis is not connected')
    const unsent = this.#unsent
    unsent.add(message, isEphemeral)
    try {
      await this.#redis.publish(this.#prefix + channel, message)
      this.#troubles.isOver('mute')
    } catch (err) {
      if ((err as Error).name === 'ReplyError') this.#troubles.begins('mute', reasonOf(err as Error))
      throw new BusUnavailable(reasonOf(err as Error))
    } finally {
      unsent.remove(message)
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const name = this.#prefix + channel
    const subscription = { subscriber, isConnected: false }
    this.#subscriptions.set(name, subscription)
    if (this.#subscriber.status === 'ready') void this.#subscribe([name])
    return () => {
      // The channel may have a new subscriber.
      if (this.#subscriptions.get(name) !== subscription) return
      this.#subscriptions.delete(name)
      if (this.#subscriber.status === 'ready') this.#subscriber.unsubscribe(name).catch(() => {})
    }
  }

  async #subscribe (names: string[]): Promise<void> {
    const asked = names.map((name) => this.#subscriptions.get(name))
    try {
      await this.#subscriber.subscribe(...names)
    } catch (err) {
      return this.#troubles.begins('deaf', reasonOf(err as Error))
    }
    this.#troubles.isOver('deaf')
    names.forEach((name, index) => {
      const subscription = asked[index]
      if (subscription === undefined || subscription.isConnected || this.#subscriptions.get(name) !== subscription) return
      subscription.isConnected = true
      subscription.subscriber.connected(true)
    })
  }

  #subscribeToAll (): void {
    const names = [...this.#subscriptions].filter(([, { isConnected }]) => !isConnected).map(([name]) => name)
    for (let i = 0; i < names.length; i += maxChannels) void this.#subscribe(names.slice(i, i + maxChannels))
  }

  #onReady (): void {
    this.#troubles.isOver('away')
    this.#subscribeToAll()
  }

  #onClose (): void {
    clearTimeout(this.#pingTimer)
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.isConnected) continue
      subscription.isConnected = false
      subscription.subscriber.connected(false)
    }
  }

  /** Retries failed subscriptions. Reconnects a client whose `retryStrategy` has given up. */
  #check (): void {
    if (this.#subscriber.status === 'end') this.#subscriber.connect().catch(() => {})
    if (this.#subscriber.status !== 'ready') return
    this.#subscribeToAll()
    this.#ping()
  }

  /** Detects a hanging Redis and a dead connection. */
  #ping (): void {
    const timer = setTimeout(() => {
      this.#troubles.begins('away', 'Redis is too slow')
      this.#onClose()
      this.#subscriber.disconnect(true)
    }, pingTimeout)
    this.#pingTimer = timer
    const answered = (): void => clearTimeout(timer)
    this.#subscriber.ping().then(answered, answered)
  }

  async close (): Promise<void> {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#pingTimer)
    this.#redis.off('close', this.#forgetUnsent)
    this.#subscriptions.clear()
    this.#subscriber.disconnect()
  }
}

/** The message without the command's arguments: they may contain the password. */
function reasonOf ({ message }: Error): string {
  return message.replace(/,? with args.*/s, '')
}
