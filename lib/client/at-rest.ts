import type { Update } from '../protocol/messages.ts'
import type { Outbox, Piece, SealedUpdate } from './core/outbox.ts'
import * as aead from './crypto/aead.ts'
import { toBase64 } from './crypto/base64.ts'
import { decodeChanges, encodeChanges } from './crypto/changes.ts'
import { decrypt } from './crypto/messages.ts'
import { parseUpdate } from './crypto/parse.ts'
import type { Work } from './crypto/work.ts'
import type { Environment } from './environment.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import type { SnapshotInfo } from './options.ts'
import type { Reader } from './reader.ts'
import type { OutboxEntry } from './storage/storage.ts'

interface RestSettings {
  documentId: string
  environment: Environment
  journal: Journal
  keys: Keys
  outbox: Outbox
  reader: Reader
}

/** Pending changes at rest: encrypted with the key of the snapshot that was active, or of the first one. */
export class Rest {
  readonly #settings: RestSettings
  /** Says that a ciphertext is of this outbox. */
  readonly #additional: string
  /** Entries whose key is not there. */
  #locked: OutboxEntry[] = []

  constructor (settings: RestSettings) {
    this.#settings = settings
    this.#additional = toBase64(new TextEncoder().encode(`fastify-secsync outbox ${settings.documentId}`))
  }

  get locked (): number {
    return this.#locked.length
  }

  /** Resolves when it is on the device. False: there is no key yet; it stays in memory. */
  async keepPiece (piece: Piece, snapshot: SnapshotInfo | undefined, isWanted: () => boolean): Promise<boolean> {
    const { journal, outbox } = this.#settings
    const entry = await this.#entryOf(piece, snapshot)
    if (entry === undefined) return false
    // It may have been sent or settled meanwhile.
    if (isWanted()) await journal.keep(entry, outbox.takeSettled())
    return true
  }

  /** Keeps all of them at once, and waits for nothing that needs more than this turn. */
  async rescue (pieces: readonly Piece[], snapshot: SnapshotInfo | undefined, isWanted: (piece: Piece) => boolean): Promise<void> {
    const { journal } = this.#settings
    await Promise.all(pieces.filter(({ id }) => !journal.has(id)).map(async (piece) => {
      const entry = await this.#entryOf(piece, snapshot)
      if (entry !== undefined && isWanted(piece)) void journal.keep(entry, [])
    }))
    journal.rescue()
  }

  /** Undefined: there is no key yet. */
  async #entryOf (piece: Piece, snapshot: SnapshotInfo | undefined): Promise<OutboxEntry | undefined> {
    let key: Uint8Array
    try {
      key = await this.#settings.keys.of(snapshot)
    } catch {
      return undefined
    }
    const sealed = await this.#run(aead.encrypt(await this.#run(encodeChanges(piece.changes)), this.#additional, key))
    return { id: piece.id, kind: 'change', text: JSON.stringify(sealed), snapshotInfo: infoText(snapshot) }
  }

  /** Resolves when the device has it, in place of the entries `replaced`. */
  async keepUpdate ({ piece, text }: SealedUpdate, snapshot: SnapshotInfo, replaced: readonly string[]): Promise<void> {
    await this.#settings.journal.keep({ id: piece.id, kind: 'update', text, snapshotInfo: infoText(snapshot) }, replaced)
  }

  /** Takes over what sessions that have ended left behind. Gives their changes, for the CRDT. */
  async adopt (): Promise<Uint8Array[]> {
    const { journal, outbox } = this.#settings
    const entries = [...this.#locked, ...await journal.adopt()]
    this.#locked = []
    const adopted: Uint8Array[] = []
    for (const entry of entries) {
      try {
        const { changes, message } = await this.#open(entry)
        outbox.adopt(entry.id, changes, message, entry.text)
        adopted.push(...changes)
      } catch {
        // Its key is not there, or not the right one. Nothing is thrown away: it is tried again.
        this.#locked.push(entry)
      }
    }
    return adopted
  }

  async #open ({ kind, text, snapshotInfo }: OutboxEntry): Promise<{ changes: Uint8Array[], message?: Update }> {
    const { keys, reader } = this.#settings
    const key = await keys.of((JSON.parse(snapshotInfo) as SnapshotInfo | null) ?? undefined)
    if (kind === 'update') {
      const message = parseUpdate(JSON.parse(text), () => true)
      return { message, changes: await reader.changes(await this.#run(decrypt(message, key))) }
    }
    const { ciphertext, nonce } = JSON.parse(text) as { ciphertext: string, nonce: string }
    return { changes: await this.#run(decodeChanges(await this.#run(aead.decrypt(ciphertext, nonce, this.#additional, key)))) }
  }

  #run<T> (work: Work<T>): Promise<T> {
    return this.#settings.environment.newPace().run(work)
  }
}

function infoText (snapshot: SnapshotInfo | undefined): string {
  return JSON.stringify(snapshot ?? null)
}
