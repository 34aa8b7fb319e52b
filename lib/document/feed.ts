import { closeCodes } from '../protocol/close-codes.ts'
import { textFrame } from '../protocol/frame.ts'
import * as answers from '../protocol/answers.ts'
import type { Change, SnapshotChange } from '../protocol/changes.ts'
import { advance, copyOf, positionOf, type Cursor } from '../protocol/cursor.ts'
import type { LoadedDocument, StoredBytes } from '../stores/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Client } from './client.ts'
import type { Gate } from './gate.ts'
import type { Loads, Relayed } from './loads.ts'
import type { Members } from './members.ts'
import { DocumentSize } from './size.ts'
import type { StoredUpdates } from './stored-updates.ts'

export interface FeedParts {
  documentId: string
  members: Members
  gate: Gate
  loads: Loads
  stored: StoredUpdates
  telemetry: Telemetry
  /** Called before a snapshot is relayed. */
  beforeSnapshot (snapshotId: string): void
}

/** Snapshots that the clients had before the active one. */
const maxReplaced = 16

/**
 * What the clients of a document get, in the order of the store. Its cursor says how far they are: the active snapshot and the last
 * clock of each author.
 */
export class Feed {
  readonly #parts: FeedParts
  readonly size: DocumentSize
  #cursor: Cursor
  #replaced: string[] = []

  constructor (cursor: Cursor, bytes: StoredBytes | undefined, parts: FeedParts) {
    this.#cursor = copyOf(cursor)
    this.size = new DocumentSize(bytes, cursor)
    this.#parts = parts
  }

  get cursor (): Cursor {
    return this.#cursor
  }

  /** Whether this snapshot was the active one before, not long ago. */
  hasReplaced (snapshotId: string): boolean {
    return this.#replaced.includes(snapshotId)
  }

  /** The store counts to here, though nothing new came with it. */
  countTo (version: number | undefined): void {
    this.#cursor.version = version
  }

  /** Relays a change that continues the cursor to all but its sender. */
  relay (change: Change, sender?: Client): void {
    const { documentId, members, gate, loads, stored, telemetry, beforeSnapshot } = this.#parts
    if (change.kind === 'snapshot') {
      beforeSnapshot(change.snapshotId)
      this.#replaced = [this.#cursor.snapshotId, ...this.#replaced].slice(0, maxReplaced)
    }
    advance(this.#cursor, change)
    this.size.add(change)
    if (change.kind === 'snapshot') stored.clear()
    else stored.add(change)
    const frame = change.kind === 'update' ? textFrame(answers.update(change.text)) : textFrame(...answers.snapshot(change.text))
    loads.relayed(change, frame)
    if (!gate.isOpen) gate.close(members.joined, sender)
    const readers = members.following(change, this.#cursor).filter((client) => client !== sender)
    telemetry.relay(documentId, change.kind, readers.length, change.message, () => {
      for (const client of readers) client.relay(frame)
    })
  }

  /** Ephemeral messages have no order. They are not kept for those who join later. */
  relayEphemeral (text: string, sender?: Client): void {
    const { documentId, members, gate, telemetry } = this.#parts
    const frame = textFrame(answers.ephemeralMessage(text))
    const { joined } = members
    if (!gate.isOpen) gate.close(joined, sender)
    const readers = joined.filter((client) => client !== sender)
    telemetry.relay(documentId, 'ephemeralMessage', readers.length, undefined, () => {
      for (const client of readers) client.relay(frame, true)
    })
  }

  /**
   * Sends the document to a client, the frames that belong behind it, and what was relayed since its load began. Returns whether the client
   * is where the cursor is.
   */
  join (client: Client, document: LoadedDocument, frames: Buffer[], { changes, isComplete }: Relayed): boolean {
    const { members } = this.#parts
    members.join(client, document.cursor)
    document.frame ??= textFrame(...answers.document(document, document.cursor.snapshotId === ''))
    client.sendDocument(document.frame, document)
    for (const frame of frames) client.relay(frame)
    if (!isComplete) {
      this.drop(client)
      return true
    }
    for (const { change, frame } of changes) {
      if (members.follows(client, change)) client.relay(frame)
    }
    return members.isAt(client, this.#cursor)
  }

  /**
   * A snapshot cannot be relayed to everybody when updates of its parent were not relayed. The published client fails for good on
   * a snapshot that knows more of its own updates than it does itself.
   */
  dropThoseBehind (snapshot: SnapshotChange): void {
    for (const client of this.#parts.members.unableToJump(snapshot, this.#cursor)) this.drop(client)
  }

  /** The client comes back by itself, with what it knows, and gets the rest. */
  drop (client: Client): void {
    client.close(closeCodes.tryAgainLater, 'missed too much')
  }

  /** The database has lost what it had, or the document was deleted. */
  rollBack (cursor: Cursor, bytes?: StoredBytes): void {
    const { members, stored } = this.#parts
    this.#cursor = copyOf(cursor)
    this.size.loaded(bytes, cursor)
    this.#replaced = []
    stored.clear()
    for (const client of members.elsewhere(cursor)) {
      if (cursor.snapshotId === '') client.close(closeCodes.documentNotFound, 'document not found', answers.documentNotFound)
      else this.drop(client)
    }
  }

  positionOf (change: Change): ReturnType<typeof positionOf> {
    return positionOf(change, this.#cursor)
  }
}
