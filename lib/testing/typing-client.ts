import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { openDocument, type Contents, type Crdt, type KeyPair, type SecsyncDocument, type WebSocketConstructor } from '../client/index.ts'
import { injectedWebSocket } from './injected-web-socket.ts'

export interface TypingClientOptions {
  documentId: string
  /** With a Fastify instance: the path of the route, as in the option `prefix` of the plugin with that of its scope. Default: `/documents`. */
  prefix?: string
  /** Default: `typing-client`. */
  sessionKey?: string
  /** 32 bytes. Clients with the same key read each other. Default: 32 zeros. */
  key?: Uint8Array
  /** Signs what is typed. Default: a new one. */
  signatureKeyPair?: KeyPair
  /** With a URL: `WebSocket` of `ws` in Node.js 20. Default: `globalThis.WebSocket`. */
  WebSocket?: WebSocketConstructor
}

/** A client for tests of an application: it connects, encrypts, signs and sends as `openDocument()` does, and its document is a list of texts. */
export interface TypingClient {
  /** The client below: its state, presence and history. */
  readonly document: SecsyncDocument
  /** All that was typed by anybody, joined in the order of the ids of the texts. All clients of a document end with the same text. */
  readonly text: string
  /** Types, and resolves when the server has acknowledged it. It waits as long as the server refuses it. */
  type (text: string): Promise<void>
  /** Resolves when the text contains this, typed by anybody. */
  reads (text: string): Promise<void>
  /** Types until `limits.maxDocumentBytes` is reached or `hasQuota` says no. Then the document is full for everybody. */
  fill (): Promise<void>
  /** Disconnects. */
  close (): Promise<void>
}

/** Bytes that are typed at once, to fill a document. */
const piece = 1024

/**
 * Opens a document as a client of your application.
 *
 * ```ts
 * const ada = await typingClient(app, { documentId: 'welcome' })
 * const bob = await typingClient(app, { documentId: 'welcome' })
 * await ada.type('Hello')
 * await bob.reads('Hello')
 * ```
 *
 * @param target A Fastify instance with the plugin, which need not listen, or the URL of the route, such as `ws://127.0.0.1:3000/documents`.
 * @returns The client, when it has loaded the document from the server. It waits as long as it has no access.
 */
export async function typingClient (
  target: FastifyInstance | string,
  { documentId, prefix = '/documents', sessionKey = 'typing-client', key = new Uint8Array(32), signatureKeyPair, WebSocket }: TypingClientOptions
): Promise<TypingClient> {
  if (typeof target !== 'string') await target.ready()
  const texts = new Texts()
  const socket = typeof target === 'string' ? WebSocket : injectedWebSocket(target)
  const document = openDocument({
    url: typeof target === 'string' ? target : `ws://localhost${prefix}`,
    documentId,
    sessionKey,
    crdt: texts,
    getKey: () => key,
    isValidClient: () => true,
    ...signatureKeyPair && { signatureKeyPair },
    ...socket && { WebSocket: socket }
  })
  await document.whenLoaded()
  const until = async (subscribe: (check: () => void) => () => void, condition: () => boolean): Promise<void> => {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!condition()) return
        leave()
        resolve()
      }
      const leave = subscribe(check)
      check()
    })
  }
  return {
    document,
    get text () { return texts.text },
    async type (text) {
      texts.type(text)
      await document.whenSaved()
    },
    reads: async (text) => await until((check) => texts.onChange(check), () => texts.text.includes(text)),
    async fill () {
      while (!document.getState().isFull) {
        texts.type('x'.repeat(piece))
        await until(document.subscribe, () => document.getState().isFull || document.getState().pending === 0)
      }
    },
    close: async () => await document.destroy()
  }
}

/** A set of texts that only grows, by id. */
class Texts implements Crdt {
  readonly #texts = new Map<string, string>()
  readonly #listeners = new Set<(change: Uint8Array) => void>()
  readonly #checks = new Set<() => void>()
  #number = 0
  readonly #id = randomUUID()

  get text (): string {
    return [...this.#texts].sort(([a], [b]) => a < b ? -1 : 1).map(([, text]) => text).join('')
  }

  type (text: string): void {
    // Texts of one client stay in their order, and others begin behind what they have read.
    const id = `${String(Math.max(this.#number++, this.#texts.size)).padStart(9, '0')} ${this.#id}`
    this.#texts.set(id, text)
    for (const listener of this.#listeners) listener(encode([[id, text]]))
    this.#changed()
  }

  onChange (check: () => void): () => void {
    this.#checks.add(check)
    return () => this.#checks.delete(check)
  }

  #changed (): void {
    for (const check of this.#checks) check()
  }

  encodeSnapshot (): Uint8Array {
    return encode([...this.#texts])
  }

  apply ({ snapshot, changes }: Contents): void {
    for (const content of snapshot === undefined ? changes : [snapshot, ...changes]) {
      for (const [id, text] of decode(content)) this.#texts.set(id, text)
    }
    this.#changed()
  }

  subscribe (listener: (change: Uint8Array) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changesSince ({ snapshot, changes }: Contents): Uint8Array[] {
    const known = new Set((snapshot === undefined ? changes : [snapshot, ...changes]).flatMap((content) => decode(content).map(([id]) => id)))
    const missing = [...this.#texts].filter(([id]) => !known.has(id))
    return missing.length === 0 ? [] : [encode(missing)]
  }
}

type Entries = Array<[id: string, text: string]>

function encode (entries: Entries): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(entries))
}

/** Throws for what no typing client has written. */
function decode (content: Uint8Array): Entries {
  const entries: unknown = JSON.parse(new TextDecoder().decode(content))
  if (!Array.isArray(entries) || !entries.every(isEntry)) throw new TypeError('Not written by a typing client')
  return entries
}

function isEntry (entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string')
}
