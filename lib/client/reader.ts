import type { EphemeralMessage, Snapshot, Update } from '../protocol/messages.ts'
import { advance, placeUpdate, type History, type Marks } from './core/history.ts'
import { decodeChanges } from './crypto/changes.ts'
import { CryptoError } from './crypto/errors.ts'
import { decrypt } from './crypto/messages.ts'
import { decryptAll, openAll, verifyAll, type OpenOptions } from './crypto/open.ts'
import { parseEphemeralMessage, parseSnapshot, parseUpdate, type IsAdditionalData } from './crypto/parse.ts'
import { proofEntryOf } from './crypto/proof.ts'
import type { Work } from './crypto/work.ts'
import type { Environment } from './environment.ts'
import { ClientError } from './errors.ts'
import type { Keys } from './keys.ts'
import type { DocumentOptions, SnapshotInfo } from './options.ts'
import type { Refused } from './state.ts'

export interface ReadSnapshot {
  message: Snapshot
  info: SnapshotInfo
}

/** One that was left out. */
export type Refusal = NonNullable<Refused['last']>

export interface ReadUpdates {
  /** In their order, those that continue the history. */
  taken: Update[]
  /** What they contain, without those that were left out. */
  changes: Uint8Array[]
  refusals: Refusal[]
  /** One behind which nothing of its author was taken. */
  gap?: Update | undefined
  /** All that there were. */
  all: Update[]
}

type Kind = 'snapshot' | 'update' | 'ephemeralMessage'

/** Checks and decrypts what comes from a server that nobody has to trust. Changes nothing. */
export class Reader {
  readonly #options: DocumentOptions
  readonly #keys: Keys
  readonly #environment: Environment

  constructor (options: DocumentOptions, keys: Keys, environment: Environment) {
    this.#options = options
    this.#keys = keys
    this.#environment = environment
  }

  /** Throws `SECSYNC_INVALID_MESSAGE`, `SECSYNC_WRONG_DOCUMENT`, `SECSYNC_INVALID_SIGNATURE`. */
  async snapshot (value: unknown, isTrusted = false): Promise<ReadSnapshot> {
    const message = checked(() => parseSnapshot(value, this.#isAdditional('snapshot')))
    this.#checkDocument(message)
    if (!isTrusted) await this.#verify('snapshot', [message])
    const entry = await this.#run(proofEntryOf(message))
    return { message, info: { ...entry, additionalPublicData: additionalOf(message) } }
  }

  /** Throws `KeyMissing`, `SECSYNC_INVALID_CLIENT`, `SECSYNC_WRONG_KEY`. */
  async content ({ message, info }: ReadSnapshot): Promise<Uint8Array> {
    if (!await this.#isValidClient(message)) {
      throw new ClientError('SECSYNC_INVALID_CLIENT', `isValidClient refuses the author of the snapshot, ${message.publicData.pubKey}`)
    }
    const key = await this.#keys.of(info)
    try {
      return await this.#run(decrypt(message, key))
    } catch (cause) {
      this.#keys.forget(info.snapshotId)
      throw new ClientError('SECSYNC_WRONG_KEY', `The key does not open the snapshot ${info.snapshotId}`, { cause })
    }
  }

  /**
   * Reads updates that may continue the history. Of those that `isOwn` knows the changes are in the document already.
   *
   * `isTrusted`: they come from this device, which has verified them before.
   */
  async updates (values: readonly unknown[], history: History, isOwn: (signature: string) => boolean, isTrusted = false): Promise<ReadUpdates> {
    const read: ReadUpdates = { taken: [], changes: [], refusals: [], all: [] }
    const ahead: Marks = new Map()
    const behindGap = new Set<string>()
    const pace = this.#environment.newPace()
    for (const value of values) {
      await pace.rest()
      const update = checked(() => parseUpdate(value, this.#isAdditional('update')))
      this.#checkDocument(update)
      read.all.push(update)
      const position = placeUpdate(history, update, ahead)
      if (position === 'gap') {
        read.gap ??= update
        behindGap.add(update.publicData.pubKey)
      }
      if (position !== 'next' || behindGap.has(update.publicData.pubKey)) continue
      advance(ahead, update)
      read.taken.push(update)
    }
    if (read.taken.length === 0) return read
    await this.#open(read, history, isOwn, isTrusted)
    return read
  }

  async #open (read: ReadUpdates, history: History, isOwn: (signature: string) => boolean, isTrusted: boolean): Promise<void> {
    const wanted: Update[] = []
    const known: Update[] = []
    const pace = this.#environment.newPace()
    for (const update of read.taken) {
      if (isOwn(update.signature)) known.push(update)
      else if (await this.#isValidClient(update)) wanted.push(update)
      else {
        known.push(update)
        read.refusals.push({ publicKey: update.publicData.pubKey, reason: 'invalidClient' })
      }
    }
    if (!isTrusted) await this.#verify('update', known)
    if (wanted.length === 0) return
    const key = await this.#keys.of(history.active)
    // Decrypted while others are verified: nothing of it is used before all are.
    const contents = isTrusted ? await decryptAll(wanted, key, { pace }) : await openAll('update', wanted, key, { pace, verifier: this.#environment.verifier })
    const forged = contents.find((content) => content instanceof CryptoError && content.code === 'SECSYNC_INVALID_SIGNATURE')
    if (forged instanceof CryptoError) throw new ClientError('SECSYNC_INVALID_SIGNATURE', forged.message, { cause: forged })
    for (const [index, { publicData }] of wanted.entries()) {
      await pace.rest()
      const content = contents[index]
      try {
        if (!(content instanceof Uint8Array)) throw content
        read.changes.push(...await this.changes(content))
      } catch {
        read.refusals.push({ publicKey: publicData.pubKey, reason: 'broken' })
      }
    }
  }

  async changes (content: Uint8Array): Promise<Uint8Array[]> {
    const { crdt } = this.#options
    return crdt.decodeChanges === undefined ? await this.#run(decodeChanges(content)) : crdt.decodeChanges(content)
  }

  /** Throws when it is to be left out. */
  async ephemeralMessage (value: unknown): Promise<EphemeralMessage> {
    const message = checked(() => parseEphemeralMessage(value, this.#isAdditional('ephemeralMessage')))
    this.#checkDocument(message)
    await this.#verify('ephemeralMessage', [message])
    if (!await this.#isValidClient(message)) throw new ClientError('SECSYNC_INVALID_CLIENT', 'isValidClient refuses the author')
    return message
  }

  #isAdditional (kind: Kind): IsAdditionalData {
    const { isValidPublicData, getNewSnapshotData } = this.#options
    return (additional) => isValidPublicData?.(kind, additional) ?? (kind === 'snapshot' && getNewSnapshotData !== undefined)
  }

  #checkDocument ({ publicData: { docId } }: Snapshot | Update | EphemeralMessage): void {
    if (docId !== this.#options.documentId) throw new ClientError('SECSYNC_WRONG_DOCUMENT', `A message of the document ${docId}`)
  }

  async #verify (kind: Kind, messages: ReadonlyArray<Snapshot | Update | EphemeralMessage>): Promise<void> {
    const options: OpenOptions = { pace: this.#environment.newPace(), verifier: this.#environment.verifier }
    const error = (await verifyAll(kind, messages, options)).find((error) => error !== undefined)
    if (error !== undefined) throw new ClientError('SECSYNC_INVALID_SIGNATURE', error.message, { cause: error })
  }

  async #isValidClient ({ publicData }: Snapshot | Update | EphemeralMessage): Promise<boolean> {
    try {
      return await this.#options.isValidClient(publicData.pubKey, publicData)
    } catch (cause) {
      throw new ClientError('SECSYNC_CALLBACK_FAILED', 'isValidClient has failed', { cause })
    }
  }

  #run<T> (work: Work<T>): Promise<T> {
    return this.#environment.newPace().run(work)
  }
}

function checked<T> (parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    throw new ClientError('SECSYNC_INVALID_MESSAGE', (cause as Error).message, { cause })
  }
}

/** What the application has added to the public data of a snapshot. */
function additionalOf ({ publicData }: Snapshot): Record<string, unknown> | undefined {
  const { docId, pubKey, snapshotId, parentSnapshotId, parentSnapshotProof, parentSnapshotUpdateClocks, ...additional } =
    publicData as Snapshot['publicData'] & Record<string, unknown>
  return Object.keys(additional).length === 0 ? undefined : additional
}
