import type { FastifyRequest } from 'fastify'
import type { Change } from '../protocol/changes.ts'
import type { Known, LoadedDocument } from '../stores/store.ts'
import type { StoreCalls } from './store-calls.ts'

/** The changes relayed since a load began. Incomplete if they exceeded `maxRelayedBytes`: then the joiners must reconnect. */
export interface Relayed {
  readonly changes: Array<{ change: Change, frame: Buffer }>
  isComplete: boolean
}

/** A load of the document, and the number of clients that wait for it. */
export interface Load {
  document: Promise<LoadedDocument | undefined>
  readonly relayed: Relayed
  bytes: number
  joiners: number
  /** Whether it began before the room had a cursor. */
  isCold: boolean
}

/** Maximum number of bytes of frames kept for the joiners of one load. */
export const maxRelayedBytes = 8 * 1024 * 1024

/** The loads of a document for joining clients. Changes relayed during a load are kept for its joiners. */
export class Loads {
  readonly #calls: StoreCalls
  readonly #loads = new Set<Load>()
  readonly #shared = new Map<string, Load>()

  constructor (calls: StoreCalls) {
    this.#calls = calls
  }

  /** Starts a load, or shares a pending load with the same parameters. */
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

  /** Called when a joiner no longer needs the load. */
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
