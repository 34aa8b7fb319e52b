import { randomInt } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Subscriber } from './bus.ts'
import { changeOf, ephemeralMessageOf, number, type Change } from '../protocol/changes.ts'

/** Characters in one message. Of more changes the others are only told that they are in the store, of an ephemeral message nothing. */
const maxLength = 1024 * 1024

/** Characters of changes that may wait to be taken, or for one that did not come. */
const maxReceived = 16 * maxLength

/** Milliseconds. For how long something that did not come may still be on its way. */
export const patience = 50

/** Milliseconds between two looks into the store, while the bus is away. */
const blindInterval = 1000

export interface LinkListener {
  /** Changes can be taken. */
  received (): void
  /** The store may have what was not heard: until this version of the document, if it is known. */
  missed (version?: number): void
  /** As JSON. */
  ephemeralMessage (text: string): void
}

export interface LinkSettings {
  /** The id of this node. */
  node: string
  /** To the other nodes. */
  publish (message: string, isEphemeral: boolean): Promise<unknown>
  subscribe (subscriber: Subscriber): () => void
  log: FastifyBaseLogger
  /** Milliseconds between two looks into the store, while the bus is there. */
  checkInterval: number
  /** No more often than all rooms of this node together may. */
  atLeast (ms: number): number
  onEnd (): void
}

type Kind = 'changes' | 'saved' | 'ephemeral-message'

/**
 * A room's link to the rooms of the same document on other nodes. A message has a line that says who sends what, then the JSON of each
 * message of the protocol on a line of its own, for JSON has no line breaks.
 */
export class Link {
  readonly #listener: LinkListener
  readonly #settings: LinkSettings
  readonly #unsubscribe: () => void
  #received: Change[] = []
  /** Characters of these. */
  #receivedLength = 0
  /** Whether the listener knows that there is something. */
  #isAnnounced = false
  #isConnected = false
  #ended = false
  /** Something that was saved here could not be told. */
  #hasUnpublished = false
  #lookTimer: NodeJS.Timeout | undefined
  /** When it will, of `performance.now`. */
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

  // Telling

  /** Tells what was saved here, in its order. */
  publish (changes: Change[]): void {
    const version = changes.at(-1)?.version
    if (lengthOf(changes) > maxLength) this.publishSaved(version)
    else this.#publish('changes', version, changes.map(({ text }) => text))
  }

  /** Tells that something was saved, to be read from the store. */
  publishSaved (version?: number): void {
    this.#hasUnpublished = false
    this.#publish('saved', version, [])
  }

  publishEphemeralMessage (text: string): void {
    if (text.length > maxLength) return
    this.#publish('ephemeral-message', undefined, [text])
  }

  #publish (kind: Kind, version: number | undefined, texts: string[]): void {
    const { publish, node, log } = this.#settings
    const isEphemeral = kind === 'ephemeral-message'
    publish([`${node} ${kind} ${version ?? ''}`, ...texts].join('\n'), isEphemeral).catch((err: unknown) => {
      log.debug({ err }, 'secsync: other nodes were not told')
      if (!isEphemeral) this.#hasUnpublished = true
    })
  }

  // Hearing

  #onMessage (message: string): void {
    const { node, log } = this.#settings
    if (this.#ended || message.startsWith(node)) return
    try {
      const [head, ...texts] = message.split('\n') as [string, ...string[]]
      const [, kind, number] = head.split(' ')
      const version = number ? Number(number) : undefined
      if (version !== undefined && !Number.isSafeInteger(version)) throw new TypeError('The version is not a number')
      if (kind === 'changes') this.#receive(texts.map(changeOf), version)
      else if (kind === 'saved') this.#listener.missed(version)
      else if (kind === 'ephemeral-message') this.#listener.ephemeralMessage(ephemeralMessageOf(texts.join('\n')))
      else throw new Error(`There is no ${kind}`)
    } catch (err) {
      log.warn({ err }, 'secsync: a message of another node makes no sense')
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

  /** What was heard since the last call, with others before it, in the order of the store, as far as that is known. */
  take (others: Change[] = []): Change[] {
    this.#isAnnounced = false
    this.#receivedLength = 0
    return [...others, ...this.#received.splice(0)].sort((a, b) => (a.version ?? 0) - (b.version ?? 0))
  }

  /** These came too early: if what is missing does not come soon, the store has it. */
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

  /** Resolves when more can be taken, with true, or with false when the time (of `performance.now`) has come. */
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

  // Looking

  #onConnected (isConnected: boolean): void {
    if (this.#ended) return
    this.#isConnected = isConnected
    this.look()
  }

  /** Looks into the store soon, and then from time to time. */
  look (): void {
    if (!this.#ended) this.#lookIn(randomInt(this.#settings.atLeast(0) + 1))
  }

  #lookAgain (): void {
    const { atLeast, checkInterval } = this.#settings
    const ms = atLeast(this.#isConnected ? checkInterval : Math.min(checkInterval, blindInterval))
    this.#lookIn(randomInt(Math.floor(ms / 2), ms + 1))
  }

  /** Unless it does so earlier anyway. */
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
