import type { FastifyRequest } from 'fastify'
import type { Change } from '../protocol/changes.ts'
import type { Known, LoadedDocument, Store } from '../stores/store.ts'

export interface Relayed {
  change: Change
  frame: Buffer
}

/** A load that joiners wait for, and what has been relayed since it began. */
export interface Load {
  document: Promise<LoadedDocument | undefined>
  relayed: Relayed[]
  joiners: number
  /** Began before the room had a cursor. */
  isCold: boolean
}

/** What a joiner may miss while its document is loaded, before it has to come back. */
export const maxRelayedDuringLoad = 50_000

/** The loads of a document for those who join it. What is relayed during one is kept for its joiners. */
export class Loads {
  readonly #documentId: string
  readonly #store: Store
  readonly #loads = new Set<Load>()
  readonly #shared = new Map<string, Load>()

  constructor (documentId: string, store: Store) {
    this.#documentId = documentId
    this.#store = store
  }

  /** One load may serve several joiners that ask for the same. */
  join (known: Known, request: FastifyRequest, isCold: boolean): Load {
    const key = this.#store.sharesLoads ? JSON.stringify(known) : undefined
    let load = key === undefined ? undefined : this.#shared.get(key)
    if (load === undefined) {
      const document = this.#store.load(this.#documentId, known, request)
      load = { document, relayed: [], joiners: 0, isCold }
      this.#loads.add(load)
      if (key !== undefined) {
        this.#shared.set(key, load)
        const loaded = () => this.#shared.delete(key)
        load.document.then(loaded, loaded)
      }
    }
    load.joiners++
    return load
  }

  /** A joiner has what it needs of it. */
  leave (load: Load): void {
    if (--load.joiners === 0) this.#loads.delete(load)
  }

  relayed (change: Change, frame: Buffer): void {
    for (const { relayed } of this.#loads) {
      if (relayed.length <= maxRelayedDuringLoad) relayed.push({ change, frame })
    }
  }
}
