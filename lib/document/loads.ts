import type { FastifyRequest } from 'fastify'
import type { Change } from '../protocol/changes.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { StoreCalls } from './store-calls.ts'

/** What was relayed since a load began. Not complete: it was too much to keep, and joiners have to come back. */
export interface Relayed {
  readonly changes: Array<{ change: Change, frame: Buffer }>
  isComplete: boolean
}

/** A load that joiners wait for. */
export interface Load {
  document: Promise<LoadedDocument | undefined>
  readonly relayed: Relayed
  bytes: number
  joiners: number
  /** It began before the room had a cursor. */
  isCold: boolean
}

/** Bytes of frames that are kept for the joiners of one load. */
export const maxRelayedBytes = 8 * 1024 * 1024

/** The loads of a document for those who join it. What is relayed during a load is kept for its joiners. */
export class Loads {
  readonly #calls: StoreCalls
  readonly #loads = new Set<Load>()
  readonly #shared = new Map<string, Load>()

  constructor (calls: StoreCalls) {
    this.#calls = calls
  }

  /** One load may serve several joiners that ask for the same. */
  join (known: Known, request: FastifyRequest, isCold: boolean): Load {
    const key = this.#calls.sharesLoads ? JSON.stringify(known) : undefined
    let load = key === undefined ? undefined : this.#shared.get(key)
    if (load === undefined) {
      load = { document: this.#calls.load(known, request), relayed: { changes: [], isComplete: true }, bytes: 0, joiners: 0, isCold }
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

  /** A joiner has what it needs of the load. */
  leave (load: Load): void {
    if (--load.joiners === 0) this.#loads.delete(load)
  }

  relayed (change: Change, frame: Buffer): void {
    for (const load of this.#loads) {
      load.bytes += frame.length
      if (load.bytes > maxRelayedBytes) {
        load.relayed.isComplete = false
        load.relayed.changes.length = 0
      } else {
        load.relayed.changes.push({ change, frame })
      }
    }
  }
}
