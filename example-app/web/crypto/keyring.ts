import { blake2b } from '@noble/hashes/blake2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { saveDocument, type DocumentRecord } from '../device/documents.ts'
import { Signal } from '../ui/signal.ts'
import { fromBase64, toBase64 } from './base64.ts'

/** The document is encrypted with a key that this device does not have. */
export class MissingKey extends Error {}

/** Names a key without giving it away. It stands in the public data of a snapshot. */
export function keyIdOf (key: string): string {
  return toBase64(blake2b(utf8ToBytes(`key-id ${key}`), { dkLen: 12 }))
}

/** The keys of one document. A removal makes a new one. The older ones still open what was written with them. */
export class Keyring {
  readonly newest: Signal<string>
  readonly #record: DocumentRecord
  readonly #byId = new Map<string, string>()

  constructor (record: DocumentRecord) {
    this.#record = record
    for (const key of record.keys) this.#byId.set(keyIdOf(key), key)
    this.newest = new Signal(record.keys.at(-1) ?? '')
  }

  get newestId (): string {
    return keyIdOf(this.newest.get())
  }

  has (keyId: string): boolean {
    return this.#byId.has(keyId)
  }

  /** In base64. */
  get (keyId: string): string | undefined {
    return this.#byId.get(keyId)
  }

  /** The key with this id, or the newest one. */
  open (keyId: string | undefined): Uint8Array | undefined {
    const key = keyId === undefined ? this.newest.get() : this.#byId.get(keyId)
    if (key === undefined) return undefined
    // A snapshot made with it proves that the link was the newer one.
    if (key === this.#record.keyFromLink) void this.add(key).catch(() => {})
    return fromBase64(key)
  }

  async add (key: string): Promise<void> {
    this.#byId.set(keyIdOf(key), key)
    this.#record.keys = [...this.#record.keys.filter((other) => other !== key), key]
    delete this.#record.keyFromLink
    this.newest.set(key)
    await saveDocument(this.#record)
  }
}
