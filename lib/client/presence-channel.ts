import type { EphemeralMessage } from '../protocol/messages.ts'
import type { History } from './core/history.ts'
import { toBase64 } from './crypto/base64.ts'
import type { KeyPair } from './crypto/keys.ts'
import { PresenceSession } from './crypto/presence.ts'
import { finish, type Work } from './crypto/work.ts'
import type { Environment } from './environment.ts'
import type { Keys } from './keys.ts'
import type { Presence, PresenceEvent } from './presence.ts'
import type { Reader } from './reader.ts'

interface ChannelSettings {
  documentId: string
  environment: Environment
  keyPair: KeyPair
  keys: Keys
  reader: Reader
  history: () => History | undefined
  send: (text: string) => void
}

/** Messages that wait to be encrypted. When there are more, the oldest is dropped: a newer cursor replaces it. */
const maxWaiting = 256

/** Characters of base64: a bigger one is left out before it costs any work. */
const maxCiphertext = 64 * 1024

/** Presence over one connection after the other, each with a session of its own. Nothing in here can fail a document. */
export class PresenceChannel implements Presence {
  readonly publicKey: string
  readonly #settings: ChannelSettings
  readonly #listeners = new Set<(event: PresenceEvent) => void>()
  #session: PresenceSession | undefined
  #saidHello = false
  #work: Array<(session: PresenceSession, key: Uint8Array) => Promise<void>> = []
  #running = false

  constructor (settings: ChannelSettings) {
    this.publicKey = toBase64(settings.keyPair.publicKey)
    this.#settings = settings
  }

  readonly send = (content: Uint8Array): void => {
    const history = this.#settings.history()
    const key = history && this.#settings.keys.known(history.active)
    const session = this.#session
    if (session === undefined) return
    // At once if possible: a page that ends, or a document that is closed, has no later time for its last message.
    if (key !== undefined) this.#pass(finish(session.message(content, key)))
    else this.#do(async (session, key) => this.#pass(finish(session.message(content, key))))
  }

  readonly subscribe = (listener: (event: PresenceEvent) => void): (() => void) => {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** All is loaded. */
  connected (): void {
    this.#session = new PresenceSession({ docId: this.#settings.documentId, author: this.#settings.keyPair })
    this.#saidHello = false
    this.snapshotTaken()
  }

  /** There is a snapshot, and a key with it. */
  snapshotTaken (): void {
    if (this.#saidHello || this.#session === undefined || this.#settings.history() === undefined) return
    this.#saidHello = true
    this.#do(async (session, key) => this.#pass(await this.#run(session.hello(key))))
  }

  disconnected (): void {
    if (this.#session === undefined) return
    this.#session = undefined
    this.#work = []
    this.#emit({ type: 'disconnected' })
  }

  /** What is not right is left out: whoever sent it is not heard. */
  receive (value: unknown): void {
    if (sizeOf(value) > maxCiphertext) return
    this.#do(async (session, key) => {
      const message = await this.#settings.reader.ephemeralMessage(value)
      const { content, answer } = await this.#run(session.receive(message, key))
      if (session !== this.#session) return
      const { pubKey: publicKey } = message.publicData
      if (content !== undefined) this.#emit({ type: 'message', publicKey, content })
      if (answer === undefined) return
      this.#pass(answer)
      this.#emit({ type: 'peer', publicKey })
    })
  }

  /** In their order, also of what takes time. */
  #do (work: (session: PresenceSession, key: Uint8Array) => Promise<void>): void {
    this.#work.push(work)
    if (this.#work.length > maxWaiting) this.#work.shift()
    if (!this.#running) void this.#doAll()
  }

  async #doAll (): Promise<void> {
    this.#running = true
    for (let work = this.#work.shift(); work !== undefined; work = this.#work.shift()) {
      const session = this.#session
      const history = this.#settings.history()
      if (session === undefined || history === undefined) continue
      try {
        await work(session, await this.#settings.keys.of(history.active))
      } catch {}
    }
    this.#running = false
  }

  #pass (message: EphemeralMessage): void {
    if (this.#session !== undefined) this.#settings.send(JSON.stringify(message))
  }

  #emit (event: PresenceEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  #run<T> (work: Work<T>): Promise<T> {
    return this.#settings.environment.newPace().run(work)
  }
}

function sizeOf (value: unknown): number {
  const { ciphertext } = value as { ciphertext?: unknown }
  return typeof ciphertext === 'string' ? ciphertext.length : Infinity
}
