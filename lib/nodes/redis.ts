import type { FastifyBaseLogger } from 'fastify'
import { BusUnavailable } from '../errors.ts'
import type { Bus, Subscriber } from './bus.ts'

/** What we use of an ioredis client. */
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

/** What may go wrong for a while: the log says so when it begins, and when it is over. */
const troubles = {
  away: ['Redis is away; until it is back, nodes look into the store', 'Redis is back'],
  deaf: ['Redis refuses to subscribe; until it does, this node looks into the store', 'Redis subscribes again'],
  mute: ['Redis takes no messages of this node; until it does, the other nodes look into the store', 'Redis takes messages of this node again']
} as const

/** Characters that were handed to a client and are not at Redis yet, before more is refused: they are hints, not worth the memory. */
const maxUnsent = 8 * 1024 * 1024

/** Of ephemeral messages: they must not keep back what is saved. */
const maxUnsentEphemeral = maxUnsent / 4

/** Channels in one command. */
const maxChannels = 1000

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
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #heartbeat: NodeJS.Timeout
  readonly #troubles = new Set<keyof typeof troubles>()
  #pingTimer: NodeJS.Timeout | undefined
  /** Of the client's connection. What was on its way when that was lost may never settle. */
  #unsent = { length: 0 }
  readonly #forgetUnsent = (): void => { this.#unsent = { length: 0 } }

  constructor (redis: RedisClient, log: FastifyBaseLogger) {
    this.#redis = redis
    this.#prefix = String(redis.options?.keyPrefix ?? '')
    this.#log = log
    redis.on('close', this.#forgetUnsent)
    // It comes back by itself. What it subscribes to then is for us to say, as we must know when it has; and how long it may take to answer.
    this.#subscriber = redis.duplicate({
      keyPrefix: '', autoResubscribe: false, autoResendUnfulfilledCommands: false, lazyConnect: false, commandTimeout: undefined
    })
    this.#subscriber.on('ready', () => this.#onReady())
    this.#subscriber.on('close', () => this.#onClose())
    this.#subscriber.on('error', (err: Error) => this.#begins('away', err))
    this.#subscriber.on('message', (channel: string, message: string) => this.#subscriptions.get(channel)?.subscriber.message(message))
    this.#heartbeat = setInterval(() => this.#check(), pingInterval).unref()
  }

  async publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    // A client that is away would keep it until it is back, when nobody needs it. One that waits connects for the first command.
    const { status } = this.#redis
    if (status === 'end') this.#begins('mute', new BusUnavailable('the client that was passed has ended'))
    if (status !== 'ready' && status !== 'wait') throw new BusUnavailable('Redis is not connected')
    const unsent = this.#unsent
    if (unsent.length > (isEphemeral ? maxUnsentEphemeral : maxUnsent)) throw new BusUnavailable('Redis is too slow')
    unsent.length += message.length
    try {
      await this.#redis.publish(this.#prefix + channel, message)
      this.#isOver('mute')
    } catch (err) {
      if ((err as Error).name === 'ReplyError') this.#begins('mute', err as Error)
      throw new BusUnavailable(reasonOf(err as Error))
    } finally {
      unsent.length -= message.length
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const name = this.#prefix + channel
    const subscription = { subscriber, isConnected: false }
    this.#subscriptions.set(name, subscription)
    if (this.#subscriber.status === 'ready') void this.#subscribe([name])
    return () => {
      // The next one may be there already.
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
      return this.#begins('deaf', err as Error)
    }
    this.#isOver('deaf')
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
    this.#isOver('away')
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

  /** Tries again what was refused. A client that has given up, as its options may say, begins anew. */
  #check (): void {
    if (this.#subscriber.status === 'end') this.#subscriber.connect().catch(() => {})
    if (this.#subscriber.status !== 'ready') return
    this.#subscribeToAll()
    this.#ping()
  }

  /** A Redis that hangs and a line that was cut tell nobody. */
  #ping (): void {
    const timer = setTimeout(() => {
      this.#begins('away', new BusUnavailable('Redis is too slow'))
      this.#onClose()
      this.#subscriber.disconnect(true)
    }, pingTimeout)
    this.#pingTimer = timer
    const answered = (): void => clearTimeout(timer)
    this.#subscriber.ping().then(answered, answered)
  }

  #begins (trouble: keyof typeof troubles, err: Error): void {
    if (this.#troubles.has(trouble)) return
    this.#troubles.add(trouble)
    this.#log.warn({ reason: reasonOf(err) }, `secsync: ${troubles[trouble][0]}`)
  }

  #isOver (trouble: keyof typeof troubles): void {
    if (this.#troubles.delete(trouble)) this.#log.info(`secsync: ${troubles[trouble][1]}`)
  }

  async close (): Promise<void> {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#pingTimer)
    this.#redis.off('close', this.#forgetUnsent)
    this.#subscriptions.clear()
    this.#subscriber.disconnect()
  }
}

/** Without the command that failed, which ioredis puts on the error, and Redis into the text of some: the password may be in it. */
function reasonOf ({ message }: Error): string {
  return message.replace(/,? with args.*/s, '')
}
