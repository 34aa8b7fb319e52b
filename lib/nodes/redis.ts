import { randomInt, randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { BusUnavailable } from '../errors.ts'
import type { Bus, CreateBus, Subscriber } from './bus.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'
import { hasSeveralServers, isCluster, subscriberOf, type RedisClient, type RedisSubscriber } from './redis-client.ts'
import { Troubles } from './troubles.ts'
import { Unsent } from './unsent.ts'

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

/** Milliseconds before another node of a cluster is tried, on average. */
const pause = 100

/** The bus of the option `redis`, for tests and for wrapping it. The client stays yours: the bus does not close it. */
export function redisBus (redis: RedisClient): CreateBus {
  return (log) => new RedisBus(redis, log)
}

/** A bus on Redis channels. It publishes with the user's client, and subscribes with a second connection: that one cannot run other commands. */
export class RedisBus implements Bus {
  readonly #redis: RedisClient
  #subscriber: RedisSubscriber | undefined
  /** The client's `keyPrefix`. ioredis does not add it to channels. */
  readonly #prefix: string
  readonly #troubles: Troubles<keyof typeof troubles>
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #heartbeat: NodeJS.Timeout
  #pingTimer: NodeJS.Timeout | undefined
  #echoTimer: NodeJS.Timeout | undefined
  #openTimer: NodeJS.Timeout | undefined
  /** Nodes of the app begin at different nodes of a cluster. */
  #attempt = randomInt(1000)
  /** Hears what this node publishes to itself. */
  readonly #echo = { channel: `fastify-secsync:echo:${randomUUID()}`, isConnected: false, isHeard: false }
  /** Whether the subscriber was connecting at the last check. */
  #isSlow = false
  #closed = false
  /** A new object per connection, because `publish` calls on a lost connection may never settle. */
  #unsent = new Unsent()
  readonly #forgetUnsent = (): void => { this.#unsent = new Unsent() }

  constructor (redis: RedisClient, log: FastifyBaseLogger) {
    this.#redis = redis
    this.#prefix = String(redis.options?.keyPrefix ?? '')
    this.#troubles = new Troubles(troubles, log)
    redis.on('close', this.#forgetUnsent)
    this.#open()
    this.#heartbeat = setInterval(() => this.#check(), pingInterval).unref()
    if (hasSeveralServers(redis)) {
      this.subscribe(this.#echo.channel, {
        message: () => { this.#echo.isHeard = true },
        connected: (isConnected) => { this.#echo.isConnected = isConnected }
      })
    }
  }

  #open (): void {
    const subscriber = subscriberOf(this.#redis, this.#attempt++)
    this.#subscriber = subscriber
    if (subscriber === undefined) return this.#openLater()
    subscriber.on('ready', () => this.#onReady(subscriber))
    subscriber.on('close', () => this.#onClose())
    subscriber.on('error', (err: Error) => this.#troubles.begins('away', reasonOf(err)))
    subscriber.on('message', (channel: string, message: string) => this.#subscriptions.get(channel)?.subscriber.message(message))
    if (isCluster(this.#redis)) subscriber.on('end', () => this.#openLater())
  }

  #openLater (): void {
    this.#subscriber = undefined
    if (!this.#closed) this.#openTimer = setTimeout(() => this.#open(), pause * (0.5 + Math.random()))
  }

  async publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    // A disconnected client would queue the message until it is outdated. A client in status `wait` connects on its first command.
    const { status } = this.#redis
    if (status === 'end') this.#troubles.begins('mute', 'the ioredis client has ended')
    if (status !== 'ready' && status !== 'wait') throw new BusUnavailable('Redis is not connected')
    const unsent = this.#unsent
    unsent.add(message, isEphemeral)
    try {
      await this.#publish(this.#prefix + channel, message)
      this.#troubles.isOver('mute')
    } catch (err) {
      if ((err as Error).name === 'ReplyError') this.#troubles.begins('mute', reasonOf(err as Error))
      throw new BusUnavailable(reasonOf(err as Error))
    } finally {
      unsent.remove(message)
    }
  }

  async #publish (name: string, message: string): Promise<void> {
    const publish = (): Promise<number> => this.#redis.publish(name, message)
    // While all servers are away, the client of a cluster keeps commands until one is back.
    await (isCluster(this.#redis) ? withinTimeLimit('Redis', pingTimeout, publish) : publish())
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const name = this.#prefix + channel
    const subscription = { subscriber, isConnected: false }
    this.#subscriptions.set(name, subscription)
    const connection = this.#subscriber
    if (connection?.status === 'ready') void this.#subscribe(connection, [name])
    return () => {
      // The channel may have a new subscriber.
      if (this.#subscriptions.get(name) !== subscription) return
      this.#subscriptions.delete(name)
      if (this.#subscriber?.status === 'ready') this.#subscriber.unsubscribe(name).catch(() => {})
    }
  }

  async #subscribe (connection: RedisSubscriber, names: string[]): Promise<void> {
    const asked = names.map((name) => this.#subscriptions.get(name))
    try {
      await connection.subscribe(...names)
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

  #subscribeToAll (connection: RedisSubscriber): void {
    const names = [...this.#subscriptions].filter(([, { isConnected }]) => !isConnected).map(([name]) => name)
    for (let i = 0; i < names.length; i += maxChannels) void this.#subscribe(connection, names.slice(i, i + maxChannels))
  }

  #onReady (connection: RedisSubscriber): void {
    this.#troubles.isOver('away')
    this.#subscribeToAll(connection)
  }

  #onClose (): void {
    clearTimeout(this.#pingTimer)
    clearTimeout(this.#echoTimer)
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.isConnected) continue
      subscription.isConnected = false
      subscription.subscriber.connected(false)
    }
  }

  /** Retries failed subscriptions. Reconnects a client whose `retryStrategy` has given up, or whose server accepts connections and does not answer. */
  #check (): void {
    const connection = this.#subscriber
    if (connection === undefined) return
    const { status } = connection
    const wasSlow = this.#isSlow
    this.#isSlow = status === 'connecting' || status === 'connect'
    if (status === 'end') connection.connect().catch(() => {})
    else if (wasSlow && this.#isSlow) this.#leave(connection, 'Redis does not answer')
    if (status !== 'ready') return
    this.#subscribeToAll(connection)
    this.#ping(connection)
    void this.#checkEcho(connection)
  }

  /** Detects a hanging Redis and a dead connection. */
  #ping (connection: RedisSubscriber): void {
    const timer = setTimeout(() => this.#leave(connection, 'Redis is too slow'), pingTimeout)
    this.#pingTimer = timer
    const answered = (): void => clearTimeout(timer)
    connection.ping().then(answered, answered)
  }

  /** Detects a server that is no longer part of the others, for instance a former master: it answers pings, and what is published does not arrive. */
  async #checkEcho (connection: RedisSubscriber): Promise<void> {
    const echo = this.#echo
    if (!echo.isConnected) return
    echo.isHeard = false
    try {
      await this.publish(echo.channel, '', true)
    } catch {
      return
    }
    this.#echoTimer = setTimeout(() => {
      if (echo.isConnected && !echo.isHeard) this.#leave(connection, 'messages do not reach the server of the subscription')
    }, pingTimeout)
  }

  #leave (connection: RedisSubscriber, reason: string): void {
    this.#troubles.begins('away', reason)
    this.#onClose()
    connection.disconnect(true)
  }

  async close (): Promise<void> {
    this.#closed = true
    clearInterval(this.#heartbeat)
    for (const timer of [this.#pingTimer, this.#echoTimer, this.#openTimer]) clearTimeout(timer)
    this.#redis.off('close', this.#forgetUnsent)
    this.#subscriptions.clear()
    this.#subscriber?.disconnect()
  }
}

/** The message without the command's arguments: they may contain the password. */
function reasonOf ({ message }: Error): string {
  return message.replace(/,? with args.*/s, '')
}
