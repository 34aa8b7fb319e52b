import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import { Type, TypeCompiler, type Static } from '../protocol/typebox.ts'
import type { Bus, Subscriber } from './bus.ts'
import { Link, savedMessage, type LinkListener } from './link.ts'

/** Version of the bus messages, part of every channel. During an upgrade, nodes with different versions check the store instead. */
const busVersion = 1

/** Maximum length of a message in characters, if the bus has none. */
const maxMessageLength = 1024 * 1024

/** Milliseconds between two checks of the store, multiplied by the number of rooms: limits the load of the database. */
const minIntervalPerRoom = 3

/** The connections to close: those of a document, of a session key, or of both. The key is hashed, because it is secret and Redis logs slow commands. */
const Disconnect = Type.Object({ documentId: Type.Optional(Type.String()), sessionKeyHash: Type.Optional(Type.String()) }, { minProperties: 1 })
export type Disconnect = Static<typeof Disconnect>

const disconnectCheck = TypeCompiler.Compile(Type.Object({ node: Type.String(), which: Disconnect }))

/** The other nodes on the same store. Nodes publish saved changes and disconnects. */
export class Nodes {
  readonly #id = randomUUID()
  readonly #bus: Bus
  readonly #name: string
  readonly #checkInterval: number
  readonly #log: FastifyBaseLogger
  #links = 0
  #isConnected = false

  /** `name` is part of each channel. It separates several registrations on one bus. */
  constructor (bus: Bus, name: string, checkInterval: number, log: FastifyBaseLogger) {
    this.#bus = bus
    this.#name = name
    this.#checkInterval = checkInterval
    this.#log = log
  }

  /** Whether messages of other nodes arrive. Known from the channel of `onDisconnect`. */
  get isConnected (): boolean {
    return this.#isConnected
  }

  #channel (name: string): string {
    return `fastify-secsync:${busVersion}:${this.#name}:${name}`
  }

  /** Rejects also if the user's bus throws synchronously. */
  async #publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    await this.#bus.publish(channel, message, isEphemeral)
  }

  /** Does not throw, even if the user's bus does. A room without a subscription checks the store periodically. */
  #subscribe (channel: string, subscriber: Subscriber): () => void {
    try {
      const unsubscribe = this.#bus.subscribe(channel, subscriber)
      return () => {
        try {
          unsubscribe()
        } catch (err) {
          this.#log.warn({ err }, 'secsync: unsubscribing from the bus failed')
        }
      }
    } catch (err) {
      this.#log.warn({ err }, 'secsync: subscribing to the bus failed. This node polls the store')
      return () => {}
    }
  }

  /** Returns the link of a room. The room ends it with `end()`. */
  link (documentId: string, listener: LinkListener): Link {
    this.#links++
    const channel = this.#channel(`document:${documentId}`)
    return new Link(listener, {
      node: this.#id,
      maxMessageLength: this.#bus.maxMessageLength ?? maxMessageLength,
      publish: (message, isEphemeral) => this.#publish(channel, message, isEphemeral),
      subscribe: (subscriber) => this.#subscribe(channel, subscriber),
      log: this.#log,
      atLeast: (ms) => Math.max(ms, this.#links * minIntervalPerRoom),
      checkInterval: this.#checkInterval,
      onEnd: () => { this.#links-- }
    })
  }

  /** Tells the other nodes to look at a document in the store. A node that misses it looks every `checkInterval`. */
  publishChanged (documentId: string): void {
    this.#publish(this.#channel(`document:${documentId}`), savedMessage(this.#id)).catch((err: unknown) => {
      this.#log.warn({ err }, 'secsync: publishing a change to other nodes failed')
    })
  }

  /** Publishes a disconnect. A node that misses it still checks access before it relays to the connection. */
  disconnect (which: Disconnect): void {
    this.#publish(this.#channel('disconnect'), JSON.stringify({ node: this.#id, which })).catch((err: unknown) => {
      this.#log.warn({ err }, 'secsync: publishing a disconnect to other nodes failed')
    })
  }

  onDisconnect (disconnect: (which: Disconnect) => void): void {
    this.#subscribe(this.#channel('disconnect'), {
      message: (text) => {
        try {
          const message: unknown = JSON.parse(text)
          if (!disconnectCheck.Check(message)) throw new TypeError('Invalid disconnect')
          if (message.node !== this.#id) disconnect(message.which)
        } catch (err) {
          this.#log.warn({ err }, 'secsync: invalid message of another node')
        }
      },
      connected: (isConnected) => { this.#isConnected = isConnected }
    })
  }

  async close (): Promise<void> {
    try {
      await this.#bus.close()
    } catch (err) {
      this.#log.warn({ err }, 'secsync: closing the bus failed')
    }
  }
}
