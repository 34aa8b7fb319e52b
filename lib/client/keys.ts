import { ClientError } from './errors.ts'
import type { DocumentOptions, SnapshotInfo } from './options.ts'

/** The application has no key for a snapshot yet. */
export class KeyMissing extends Error {
  override readonly name = 'KeyMissing'
  readonly snapshot: SnapshotInfo | undefined

  constructor (snapshot: SnapshotInfo | undefined) {
    super('getKey has no key for this snapshot yet')
    this.snapshot = snapshot
  }
}

const maxKnown = 8

/** The keys of snapshots, each asked for once. */
export class Keys {
  readonly #getKey: DocumentOptions['getKey']
  readonly #known = new Map<string, Uint8Array>()

  constructor (getKey: DocumentOptions['getKey']) {
    this.#getKey = getKey
  }

  /** If it was asked for before. */
  known (snapshot: SnapshotInfo): Uint8Array | undefined {
    return this.#known.get(snapshot.snapshotId)
  }

  /** Throws `KeyMissing`, or `SECSYNC_CALLBACK_FAILED`. */
  async of (snapshot: SnapshotInfo | undefined): Promise<Uint8Array> {
    const known = snapshot && this.known(snapshot)
    if (known !== undefined) return known
    let key: Uint8Array | undefined
    try {
      key = await this.#getKey(snapshot)
    } catch (cause) {
      throw new ClientError('SECSYNC_CALLBACK_FAILED', 'getKey has failed', { cause })
    }
    if (key === undefined) throw new KeyMissing(snapshot)
    if (snapshot !== undefined) this.set(snapshot.snapshotId, key)
    return key
  }

  set (snapshotId: string, key: Uint8Array): void {
    this.#known.set(snapshotId, key)
    const [oldest] = this.#known.keys()
    if (this.#known.size > maxKnown && oldest !== undefined) this.#known.delete(oldest)
  }

  /** It has turned out to be wrong. */
  forget (snapshotId: string): void {
    this.#known.delete(snapshotId)
  }
}
