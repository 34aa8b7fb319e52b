import type { FastifyBaseLogger } from 'fastify'
import { BusUnavailable } from '../errors.ts'
import type { Bus, Subscriber } from './bus.ts'

/** What we use of an ioredis client. */
export interface RedisClient {
  readonly options?: { keyPrefix?: string | Buffer | undefined }
  readonly status: string
  publish (channel: string, message: string): Promise<number>
  duplicate (options: object): RedisSubscriber
}

interface RedisSubscriber {
  readonly status: string
  subscribe (...channels: string[]): Promise<unknown>
  unsubscribe (...channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  on (event: string, listener: (...args: never[]) => void): unknown
  disconnect (reconnect?: boolean): void
}

/** Characters that were handed to a client and are not at Redis yet, before more is refused: they are hints, not worth the memory. */
const maxUnsent = 8 * 1024 * 1024

/** Milliseconds between two pings, and for the answer to one. */
const pingInterval = 5000
const pingTimeout = 2000

/** Channels of Redis. Publishes with the user's client, which stays open; a connection that subscribes can do nothing else. */
export class RedisBus implements Bus {
  readonly #redis: RedisClient
  readonly #subscriber: RedisSubscriber
  /** Of an application that shares its Redis with others. Redis takes none for channels, so that ioredis adds none. */
  readonly #prefix: string
  readonly #log: FastifyBaseLogger
  readonly #subscribers = new Map<string, Subscriber>()
  readonly #heartbeat: NodeJS.Timeout
  #unsent = 0
  #isAway = false

  constructor (redis: RedisClient, log: FastifyBaseLogger) {
    this.#redis = redis
    this.#prefix = String(redis.options?.keyPrefix ?? '')
    this.#log = log
    // It comes back by itself. What it subscribes to then is for us to say, as we must know when it has.
    this.#subscriber = redis.duplicate({ keyPrefix: '', autoResubscribe: false, autoResendUnfulfilledCommands: false, lazyConnect: false })
    this.#subscriber.on('ready', () => { void this.#onReady() })
    this.#subscriber.on('close', () => this.#onClose())
    this.#subscriber.on('error', (err: Error) => this.#onError(err))
    this.#subscriber.on('message', (channel: string, message: string) => this.#subscribers.get(channel)?.message(message))
    this.#heartbeat = setInterval(() => { void this.#ping() }, pingInterval).unref()
  }

  async publish (channel: string, message: string): Promise<void> {
    // A client that is away would keep it until it is back, when nobody needs it. One that waits connects for the first command.
    if (!['ready', 'wait'].includes(this.#redis.status)) throw new BusUnavailable('not connected')
    if (this.#unsent > maxUnsent) throw new BusUnavailable('too slow')
    this.#unsent += message.length
    try {
      await this.#redis.publish(this.#prefix + channel, message)
    } finally {
      this.#unsent -= message.length
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const name = this.#prefix + channel
    this.#subscribers.set(name, subscriber)
    void this.#subscribe([name])
    return () => {
      // The next one may be there already.
      if (this.#subscribers.get(name) !== subscriber) return
      this.#subscribers.delete(name)
      if (this.#subscriber.status === 'ready') this.#subscriber.unsubscribe(name).catch(() => {})
    }
  }

  async #subscribe (channels: string[]): Promise<void> {
    if (this.#subscriber.status !== 'ready' || channels.length === 0) return
    const asked = channels.map((channel) => this.#subscribers.get(channel))
    try {
      await this.#subscriber.subscribe(...channels)
    } catch (err) {
      return this.#log.error({ err }, 'secsync: subscribing to Redis failed')
    }
    channels.forEach((channel, index) => {
      if (this.#subscribers.get(channel) === asked[index]) asked[index]?.connected(true)
    })
  }

  async #onReady (): Promise<void> {
    if (this.#isAway) this.#log.info('secsync: Redis is back')
    this.#isAway = false
    await this.#subscribe([...this.#subscribers.keys()])
  }

  #onClose (): void {
    for (const subscriber of this.#subscribers.values()) subscriber.connected(false)
  }

  /** There is one for each time that it cannot connect. */
  #onError (err: Error): void {
    if (!this.#isAway) this.#log.warn({ err }, 'secsync: Redis is away; until it is back, nodes look into the store')
    this.#isAway = true
  }

  /** A Redis that hangs and a line that was cut tell nobody. */
  async #ping (): Promise<void> {
    if (this.#subscriber.status !== 'ready') return
    const timer = setTimeout(() => {
      this.#onError(new BusUnavailable('too slow'))
      this.#onClose()
      this.#subscriber.disconnect(true)
    }, pingTimeout)
    await this.#subscriber.ping().catch(() => {})
    clearTimeout(timer)
  }

  async close (): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#subscribers.clear()
    this.#subscriber.disconnect()
  }
}
