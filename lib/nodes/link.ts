import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Subscriber } from './bus.ts'
import { changeOf, ephemeralMessageOf, number, type Change } from '../protocol/changes.ts'

/** Maximum length of received changes in characters. */
const maxReceived = 16 * 1024 * 1024

/** Milliseconds to wait for a missing bus message before the store is asked. */
export const patience = 50

/** Milliseconds between two checks of the store while the bus is disconnected. */
const blindInterval = 1000

export interface LinkListener {
  /** Changes were received: call `take()`. */
  received (): void
  /** The store may have changes that were not received, up to this version of the document if it is known. */
  missed (version?: number): void
  /** An ephemeral message was received, as JSON. */
  ephemeralMessage (text: string): void
}

export interface LinkSettings {
  /** The id of this node. */
  node: string
  /** Maximum length of a bus message in characters. Longer changes are published as `saved` without content. Longer ephemeral messages are dropped. */
  maxMessageLength: number
  /** Publishes to the other nodes. */
  publish (message: string, isEphemeral: boolean): Promise<unknown>
  subscribe (subscriber: Subscriber): () => void
  log: FastifyBaseLogger
  /** Milliseconds between two checks of the store while the bus is connected. */
  checkInterval: number
  /** Returns `ms`, or a longer interval if this node has many rooms. */
  atLeast (ms: number): number
  onEnd (): void
}

/** Something of a document was saved or deleted, and its version is not known. */
export function savedMessage (node: string): string {
  return `${node} saved `
}

type Kind = 'changes' | 'saved' | 'ephemeral-message'

/**
 * Connects a room with the rooms of the same document on other nodes. A bus message consists of lines. The first line contains node, kind and
 * version. Each further line is one protocol message as JSON, which has no line breaks.
 */
export class Link {
  readonly #listener: LinkListener
  readonly #settings: LinkSettings
  readonly #unsubscribe: () => void
  #received: Change[] = []
  /** Length of `#received` in characters. */
  #receivedLength = 0
  /** Whether `received()` was called since the last `take()`. */
  #isAnnounced = false
  #isConnected = false
  #ended = false
  /** Whether publishing a saved change failed. */
  #hasUnpublished = false
  #lookTimer: NodeJS.Timeout | undefined
  /** Time of the next check, as of `performance.now()`. */
  #lookAt = Infinity
  #patienceTimer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined

  constructor (listener: LinkListener, settings: LinkSettings) {
    this.#listener = listener
    this.#settings = settings
    this.#lookAgain()
    this.#unsubscribe = settings.subscribe({
      message: (message) => this.#onMessage(message),
      connected: (isConnected) => this.#onConnected(isConnected)
    })
  }

  get isConnected (): boolean {
    return this.#isConnected
  }

  // Publishing

  /** Publishes changes saved by this node, in their order. */
  publish (changes: Change[]): void {
    const version = changes.at(-1)?.version
    if (!this.#publish('changes', version, changes.map(({ text }) => text))) this.publishSaved(version)
  }

  /** Publishes that this node saved changes, without their content. Other nodes load them from the store. */
  publishSaved (version?: number): void {
    this.#hasUnpublished = false
    this.#publish('saved', version, [])
  }

  publishEphemeralMessage (text: string): void {
    this.#publish('ephemeral-message', undefined, [text])
  }

  /** Returns false for a message that is too long. It is not published. */
  #publish (kind: Kind, version: number | undefined, texts: string[]): boolean {
    const { publish, node, log, maxMessageLength } = this.#settings
    const isEphemeral = kind === 'ephemeral-message'
    const message = [`${node} ${kind} ${version ?? ''}`, ...texts].join('\n')
    if (message.length > maxMessageLength) return false
    publish(message, isEphemeral).catch((err: unknown) => {
      log.debug({ err }, 'secsync: publishing to other nodes failed')
      if (!isEphemeral) this.#hasUnpublished = true
    })
    return true
  }

  // Receiving

  #onMessage (message: string): void {
    const { node, log } = this.#settings
    if (this.#ended || message.startsWith(node)) return
    try {
      const [head, ...texts] = message.split('\n') as [string, ...string[]]
      const [, kind, number] = head.split(' ')
      const version = number ? Number(number) : undefined
      if (version !== undefined && !Number.isSafeInteger(version)) throw new TypeError('The version is not an integer')
      if (kind === 'changes') this.#receive(texts.map(changeOf), version)
      else if (kind === 'saved') this.#listener.missed(version)
      else if (kind === 'ephemeral-message') this.#listener.ephemeralMessage(ephemeralMessageOf(texts.join('\n')))
      else throw new Error(`Unknown kind ${kind}`)
    } catch (err) {
      log.warn({ err }, 'secsync: invalid message of another node')
      this.#listener.missed()
    }
  }

  #receive (changes: Change[], version: number | undefined): void {
    number(changes, version)
    this.#received.push(...changes)
    this.#receivedLength += lengthOf(changes)
    if (this.#receivedLength > maxReceived) {
      this.take()
      return this.#listener.missed()
    }
    this.#wake?.()
    if (this.#isAnnounced) return
    this.#isAnnounced = true
    this.#listener.received()
  }

  /** Returns `others` and the changes received since the last call, sorted by version. */
  take (others: Change[] = []): Change[] {
    this.#isAnnounced = false
    this.#receivedLength = 0
    return [...others, ...this.#received.splice(0)].sort((a, b) => (a.version ?? 0) - (b.version ?? 0))
  }

  /** Keeps changes that arrived too early. Calls `missed()` if the missing changes do not arrive soon. */
  keepEarly (changes: Change[]): void {
    this.#received.unshift(...changes)
    this.#receivedLength += lengthOf(changes)
    if (changes.length === 0) {
      clearTimeout(this.#patienceTimer)
      this.#patienceTimer = undefined
    } else {
      this.#patienceTimer ??= setTimeout(() => {
        this.#patienceTimer = undefined
        this.#listener.missed()
      }, patience)
    }
  }

  /** Resolves with true when more changes are received, or with false at the deadline (as of `performance.now()`). */
  async more (deadline: number): Promise<boolean> {
    const ms = deadline - performance.now()
    if (!this.#isConnected || this.#ended || ms <= 0) return false
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = undefined
    return this.#isAnnounced
  }

  // Checking the store

  #onConnected (isConnected: boolean): void {
    if (this.#ended) return
    this.#isConnected = isConnected
    this.look()
  }

  /** Checks the store soon, and then periodically. */
  look (): void {
    if (!this.#ended) this.#lookIn(randomInt(this.#settings.atLeast(0) + 1))
  }

  #lookAgain (): void {
    const { atLeast, checkInterval } = this.#settings
    const ms = atLeast(this.#isConnected ? checkInterval : Math.min(checkInterval, blindInterval))
    this.#lookIn(randomInt(Math.floor(ms / 2), ms + 1))
  }

  /** Does nothing if an earlier check is scheduled. */
  #lookIn (ms: number): void {
    const at = performance.now() + ms
    if (at >= this.#lookAt) return
    this.#lookAt = at
    clearTimeout(this.#lookTimer)
    this.#lookTimer = setTimeout(() => {
      this.#lookAt = Infinity
      this.#listener.missed()
      if (this.#hasUnpublished) this.publishSaved()
      this.#lookAgain()
    }, ms)
  }

  end (): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#lookTimer)
    clearTimeout(this.#patienceTimer)
    this.#wake?.()
    this.#unsubscribe()
    this.#settings.onEnd()
  }
}

function lengthOf (changes: Change[]): number {
  return changes.reduce((sum, { text }) => sum + text.length, 0)
}
