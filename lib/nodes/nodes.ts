import { randomUUID } from 'node:crypto'
import { Type, type Static } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyBaseLogger } from 'fastify'
import type { Bus, Subscriber } from './bus.ts'
import { Link, type LinkListener } from './link.ts'

/** Part of every channel: nodes that speak another one, during an upgrade, do not hear each other, and look into the store. */
const language = 1

/** Milliseconds between two looks of a room into the store, for each room of the node: so there are not too many at once. */
const minIntervalPerRoom = 3

/** Which connections to close: those of a document, of a session key, or of both together. The key is hashed: it is secret, and Redis logs what is slow. */
const Disconnect = Type.Object({ documentId: Type.Optional(Type.String()), sessionKeyHash: Type.Optional(Type.String()) }, { minProperties: 1 })
export type Disconnect = Static<typeof Disconnect>

const disconnectCheck = TypeCompiler.Compile(Type.Object({ node: Type.String(), which: Disconnect }))

/** The nodes that share a store, seen from one of them: they tell each other what they have saved, and whom to disconnect. */
export class Nodes {
  readonly #id = randomUUID()
  readonly #bus: Bus
  readonly #name: string
  readonly #checkInterval: number
  readonly #log: FastifyBaseLogger
  #links = 0

  /** `name` is that of the documents on the bus, should there be others. */
  constructor (bus: Bus, name: string, checkInterval: number, log: FastifyBaseLogger) {
    this.#bus = bus
    this.#name = name
    this.#checkInterval = checkInterval
    this.#log = log
  }

  #channel (name: string): string {
    return `fastify-secsync:${language}:${this.#name}:${name}`
  }

  /** Rejects, whatever a bus of the user's does. */
  async #publish (channel: string, message: string, isEphemeral = false): Promise<void> {
    await this.#bus.publish(channel, message, isEphemeral)
  }

  /** Looks into the store as long as it hears nothing, whatever a bus of the user's does. */
  #subscribe (channel: string, subscriber: Subscriber): () => void {
    try {
      const unsubscribe = this.#bus.subscribe(channel, subscriber)
      return () => {
        try {
          unsubscribe()
        } catch (err) {
          this.#log.warn({ err }, 'secsync: the bus failed to unsubscribe')
        }
      }
    } catch (err) {
      this.#log.warn({ err }, 'secsync: the bus failed to subscribe; this node looks into the store')
      return () => {}
    }
  }

  /** For a room, until it ends it. */
  link (documentId: string, listener: LinkListener): Link {
    this.#links++
    const channel = this.#channel(`document:${documentId}`)
    return new Link(listener, {
      node: this.#id,
      publish: (message, isEphemeral) => this.#publish(channel, message, isEphemeral),
      subscribe: (subscriber) => this.#subscribe(channel, subscriber),
      log: this.#log,
      atLeast: (ms) => Math.max(ms, this.#links * minIntervalPerRoom),
      checkInterval: this.#checkInterval,
      onEnd: () => { this.#links-- }
    })
  }

  /** A node that does not hear it asks for access once more before it relays anything. */
  disconnect (which: Disconnect): void {
    this.#publish(this.#channel('disconnect'), JSON.stringify({ node: this.#id, which })).catch((err: unknown) => {
      this.#log.warn({ err }, 'secsync: other nodes were not told whom to disconnect')
    })
  }

  onDisconnect (disconnect: (which: Disconnect) => void): void {
    this.#subscribe(this.#channel('disconnect'), {
      message: (text) => {
        try {
          const message: unknown = JSON.parse(text)
          if (!disconnectCheck.Check(message)) throw new TypeError('Nobody to disconnect')
          if (message.node !== this.#id) disconnect(message.which)
        } catch (err) {
          this.#log.warn({ err }, 'secsync: a message of another node makes no sense')
        }
      },
      connected () {}
    })
  }

  async close (): Promise<void> {
    try {
      await this.#bus.close()
    } catch (err) {
      this.#log.warn({ err }, 'secsync: the bus failed to close')
    }
  }
}
