import { createHash } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Notification } from 'pg'
import { BusUnavailable, OptionInvalid, PostgresDriverMissing } from '../errors.ts'
import { Type, Value } from '../protocol/typebox.ts'
import type { Bus, CreateBus, Subscriber } from './bus.ts'
import { Assembler, payloadsOf } from './postgres-payloads.ts'
import { isRefusal, PostgresSession, type CreateClient } from './postgres-session.ts'
import { Reconnecting } from './reconnecting.ts'
import { Troubles } from './troubles.ts'
import { Unsent } from './unsent.ts'

/** The part of a Pool of the npm package pg that is used. */
export interface PostgresPool {
  readonly options: object
  connect (): Promise<unknown>
}

/**
 * Number of channels. PostgreSQL compares each notification with every channel of a connection, so there is not one per document: 256 cost each
 * node 1 µs per notification, 16,000 cost 40 µs. All nodes must have the same number.
 */
const channelCount = 256

/** Length of an address in characters: 132 bits. */
const addressLength = 22

const connectTimeout = 5000

const troubles = {
  away: ['PostgreSQL is unavailable for messages between nodes. Nodes poll the store until it is back', 'PostgreSQL is available again for messages between nodes'],
  mute: ['PostgreSQL rejects messages of this node. Other nodes poll the store until it accepts them', 'PostgreSQL accepts messages of this node again']
} as const

/**
 * A bus on `LISTEN` and `NOTIFY` of PostgreSQL, for two or three nodes. Each node keeps one connection of its own, which must not go through a
 * pooler in transaction mode. It needs the npm package `pg`.
 *
 * ```ts
 * await app.register(secsync, { adapter, hasAccess, bus: postgresBus(process.env.DATABASE_URL) })
 * ```
 *
 * @param config A connection string, the config of a `pg` Client, or a `pg` Pool, of which only the config is used. `{}` takes the
 * environment variables `PGHOST`, `PGUSER` and so on. The database need not be that of the store. Anything else throws
 * `FST_SECSYNC_OPTION_INVALID`.
 */
export function postgresBus (config: string | PostgresPool | object): CreateBus {
  const advice = "must be postgresBus() with a connection string that begins with postgres://, for instance postgresBus('postgres://user@host/database'), with the config of a pg Client, or with a pg Pool"
  if (!Value.Check(Config, config)) throw new OptionInvalid('bus', advice)
  return async (log) => new PostgresBus(await clientOf(config), log)
}

// Not a driver adapter of Prisma's.
const Config = Type.Union([Type.String({ pattern: '^(postgres|postgresql|socket|pg):|^/' }), Type.Object({ adapterName: Type.Optional(Type.Undefined()) })])

async function clientOf (config: string | object): Promise<CreateClient> {
  const { default: { Client } } = await import('pg').catch((cause: unknown) => {
    throw Object.assign(new PostgresDriverMissing(), { cause })
  })
  const given = typeof config === 'string' ? { connectionString: config } : 'connect' in config && 'options' in config ? config.options as object : config
  // A Pool hides the password.
  const { password } = given as { password?: string }
  return () => new Client({ application_name: 'fastify-secsync bus', keepAlive: true, connectionTimeoutMillis: connectTimeout, ...given, ...password !== undefined && { password } })
}

interface Subscription {
  subscriber: Subscriber
  channel: Channel
  isConnected: boolean
}

/** A channel of PostgreSQL. */
interface Channel {
  name: string
  subscriptions: number
}

class PostgresBus implements Bus {
  /** Nine notifications. */
  readonly maxMessageLength = 64 * 1024
  readonly #troubles: Troubles<keyof typeof troubles>
  /** By address. */
  readonly #subscriptions = new Map<string, Subscription>()
  /** Those that were not told yet that messages arrive. */
  readonly #untold = new Set<Subscription>()
  /** By name. */
  readonly #channels = new Map<string, Channel>()
  readonly #sessions: Reconnecting<PostgresSession>
  #assembler = new Assembler()
  #unsent = new Unsent()
  #messages = 0

  constructor (createClient: CreateClient, log: FastifyBaseLogger) {
    this.#troubles = new Troubles(troubles, log)
    this.#sessions = new Reconnecting({
      name: 'PostgreSQL',
      create: (ended) => new PostgresSession(createClient, {
        channels: () => this.#channels.keys(),
        listens: (channels) => this.#listens(channels),
        notification: (notification) => this.#receive(notification),
        ended
      }),
      // Channels may have changed since it has asked for them.
      opened: (session) => session.listen(),
      lost: (err) => this.#lost(err)
    })
  }

  async publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    const { session } = this.#sessions
    if (session === undefined) throw new BusUnavailable('PostgreSQL is not connected')
    const unsent = this.#unsent
    unsent.add(message, isEphemeral)
    const address = addressOf(channel)
    try {
      await session.notify(channelOf(address), payloadsOf(address, this.#messages++, message))
      this.#troubles.isOver('mute')
    } catch (err) {
      if (isRefusal(err)) this.#troubles.begins('mute', (err as Error).message)
      throw new BusUnavailable((err as Error).message)
    } finally {
      unsent.remove(message)
    }
  }

  subscribe (channel: string, subscriber: Subscriber): () => void {
    const address = addressOf(channel)
    const name = channelOf(address)
    const subscription = { subscriber, channel: this.#channels.get(name) ?? { name, subscriptions: 0 }, isConnected: false }
    const replaced = this.#subscriptions.get(address)
    if (replaced !== undefined) this.#forget(replaced)
    this.#subscriptions.set(address, subscription)
    this.#untold.add(subscription)
    this.#channels.set(name, subscription.channel)
    subscription.channel.subscriptions++
    this.#sessions.session?.listen()
    return () => {
      // The channel may have a new subscriber.
      if (this.#subscriptions.get(address) !== subscription) return
      this.#subscriptions.delete(address)
      this.#forget(subscription)
      this.#sessions.session?.listen()
    }
  }

  #forget (subscription: Subscription): void {
    const { channel } = subscription
    if (--channel.subscriptions === 0) this.#channels.delete(channel.name)
    this.#untold.delete(subscription)
  }

  #listens (channels: ReadonlySet<string>): void {
    this.#troubles.isOver('away')
    for (const subscription of this.#untold) {
      if (!channels.has(subscription.channel.name)) continue
      this.#untold.delete(subscription)
      subscription.isConnected = true
      subscription.subscriber.connected(true)
    }
  }

  #receive ({ processId, payload = '' }: Notification): void {
    if (processId === this.#sessions.session?.processId) return
    const received = this.#assembler.add(processId, payload)
    if (received !== undefined) this.#subscriptions.get(received.address)?.subscriber.message(received.message)
  }

  #lost (err: Error): void {
    this.#troubles.begins('away', err.message)
    this.#assembler = new Assembler()
    this.#unsent = new Unsent()
    for (const subscription of this.#subscriptions.values()) {
      this.#untold.add(subscription)
      if (!subscription.isConnected) continue
      subscription.isConnected = false
      subscription.subscriber.connected(false)
    }
  }

  async close (): Promise<void> {
    this.#subscriptions.clear()
    this.#untold.clear()
    await this.#sessions.close()
  }
}

/** What stands for a channel in notifications. A channel may be longer than PostgreSQL allows. */
function addressOf (channel: string): string {
  return createHash('sha256').update(channel).digest('base64url').slice(0, addressLength)
}

/** The channel of PostgreSQL that an address belongs to. */
function channelOf (address: string): string {
  return `fastify_secsync_${Buffer.from(address.slice(0, 4), 'base64url').readUInt8() % channelCount}`
}
