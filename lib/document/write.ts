import type { Change, SnapshotChange, UpdateChange } from '../protocol/changes.ts'
import type { Client } from './client.ts'

/** What became of a message that its client wants to be saved. Its client has been answered then, or is answered later. */
export type Settled =
  | { status: 'saved' }
  /** An ephemeral message, which is not stored. */
  | { status: 'relayed' }
  | { status: 'refused', error: unknown }
  /** Its client takes it back. */
  | { status: 'dropped' }

/** A verified change on its way to the store. `settle` is called once. */
export interface Write<T extends Change = Change> {
  readonly change: T
  readonly client: Client
  readonly settle: (settled: Settled) => void
}

export type UpdateWrite = Write<UpdateChange>
export type SnapshotWrite = Write<SnapshotChange>

/** An update that was refused before it came to the store: by a hook, say. */
export interface RefusedUpdate {
  readonly client: Client
  readonly author: string
  readonly snapshotId: string
  readonly clock: number
  readonly error: unknown
  readonly settle: (settled: Settled) => void
}

export function isUpdate (write: Write): write is UpdateWrite {
  return write.change.kind === 'update'
}

/** Takes a write out of a list. Returns false when it is not there. */
export function removeWrite<T extends Change> (writes: Array<Write<T>>, write: Write<T>): boolean {
  const index = writes.indexOf(write)
  if (index !== -1) writes.splice(index, 1)
  return index !== -1
}

/** Takes out of a list the write whose message is this change, byte for byte: Ed25519 signatures are deterministic. */
export function takeWrite<T extends Change> (writes: Array<Write<T>>, change: Change): Write<T> | undefined {
  const write = writes.find((write) => write.change.message.signature === change.message.signature)
  if (write !== undefined) removeWrite(writes, write)
  return write
}
