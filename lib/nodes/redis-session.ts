import { randomUUID } from 'node:crypto'
import type { Session } from './reconnecting.ts'
import type { RedisConnecting, RedisConnection, RedisServers } from './redis-client.ts'
import { withinTime } from './within-time.ts'

/** Milliseconds between two checks, and time limit for one. */
const checkInterval = 5000
const checkTimeout = 2000

/** Maximum number of servers of a cluster that are tried for one session. */
const maxServers = 4

export interface RedisSessionOwner {
  message (channel: string, message: string): void
  /** Messages are known to arrive. Called every few seconds. */
  checked (): void
  /** The session is over. */
  ended (err: Error): void
}

/**
 * A connection that publishes, and one for the subscriptions, which cannot run other commands. They are at different servers of a cluster, if two can be
 * reached. The session is open once a message has arrived from one at the other, and ends when this takes too long: the server hangs, the connection is
 * dead, or the servers do not know each other any more.
 */
export class RedisSession implements Session {
  readonly #servers: RedisServers
  readonly #owner: RedisSessionOwner
  readonly #clients = new Set<RedisConnecting>()
  /** The channel of the checks. */
  readonly #echo: string
  #onEcho = (): void => {}
  #connections: { publisher: RedisConnection, subscriber: RedisConnection } | undefined
  #checkTimer: NodeJS.Timeout | undefined
  #isClosed = false

  /** `prefix` is that of all channels. */
  constructor (servers: RedisServers, prefix: string, owner: RedisSessionOwner) {
    this.#servers = servers
    this.#owner = owner
    this.#echo = `${prefix}fastify-secsync:echo:${randomUUID()}`
  }

  async open (): Promise<void> {
    const servers = await this.#servers.find((...args) => this.#connect(...args))
    const ready: Array<{ open: () => Promise<RedisConnection>, connection: RedisConnection }> = []
    let reason: unknown = new Error('the cluster has no servers')
    for (const open of servers.slice(0, maxServers)) {
      if (ready.length === 2) break
      try {
        ready.push({ open, connection: await open() })
      } catch (err) {
        reason = err
      }
    }
    const [first, second] = ready
    if (first === undefined) throw reason
    const subscriber = first.connection
    const publisher = second?.connection ?? await first.open()
    this.#connections = { publisher, subscriber }
    for (const client of this.#clients) if (client !== publisher && client !== subscriber) this.#disconnect(client)
    for (const connection of [publisher, subscriber]) connection.on('end', () => this.#end(new Error('the connection was closed')))
    subscriber.on('message', (channel: string, message: string) => {
      if (channel === this.#echo) this.#onEcho()
      else if (!this.#isClosed) this.#owner.message(channel, message)
    })
    await withinTime(checkTimeout, 'Redis is too slow', subscriber.subscribe(this.#echo))
    await this.#check(publisher)
    if (this.#isClosed) return
    this.#checkTimer = setInterval(() => {
      this.#check(publisher).then(() => this.#owner.checked(), (err: Error) => this.#end(err))
    }, checkInterval).unref()
  }

  /** Resolves when the client is ready. */
  async #connect<C extends RedisConnecting> (timeout: number, create: () => C): Promise<C> {
    if (this.#isClosed) throw new Error('the bus is closed')
    const client = create()
    this.#clients.add(client)
    let reason = 'the connection was closed'
    // An error that nobody listens to would be logged by ioredis.
    client.on('error', (err: Error) => { reason = err.message })
    try {
      await withinTime(timeout, 'Redis does not answer', new Promise<void>((resolve, reject) => {
        client.on('ready', resolve)
        client.on('end', () => reject(new Error(reason)))
      }))
      return client
    } catch (err) {
      this.#disconnect(client)
      throw err
    }
  }

  #disconnect (client: RedisConnecting): void {
    this.#clients.delete(client)
    client.disconnect()
  }

  /** Resolves when a message has arrived. */
  async #check (publisher: RedisConnection): Promise<void> {
    await withinTime(checkTimeout, 'messages do not arrive in time', new Promise<void>((resolve, reject) => {
      this.#onEcho = resolve
      publisher.publish(this.#echo, '').catch(reject)
    }))
  }

  #end (err: Error): void {
    if (!this.#isClosed) this.#owner.ended(err)
  }

  async publish (channel: string, message: string): Promise<void> {
    await this.#connections?.publisher.publish(channel, message)
  }

  async subscribe (channels: string[]): Promise<void> {
    await this.#connections?.subscriber.subscribe(...channels)
  }

  async unsubscribe (channel: string): Promise<void> {
    await this.#connections?.subscriber.unsubscribe(channel)
  }

  async close (): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#checkTimer)
    for (const client of this.#clients) client.disconnect()
  }
}
