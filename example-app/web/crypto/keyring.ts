import sodium from 'libsodium-wrappers'
import { saveDocument, type DocumentRecord } from '../device/documents.ts'
import { Signal } from '../ui/signal.ts'

/** The document is encrypted with a key that this device does not have. */
export class MissingKey extends Error {}

/** Names a key without giving it away. It stands in the public data of a snapshot. */
export function keyIdOf (key: string): string {
  return sodium.to_base64(sodium.crypto_generichash(12, `key-id ${key}`))
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

  open (keyId: string): string {
    const key = this.#byId.get(keyId)
    if (key === undefined) throw new MissingKey()
    // A snapshot made with it proves that the link was the newer one.
    if (key === this.#record.keyFromLink) this.#makeNewest(key)
    return key
  }

  async add (key: string): Promise<void> {
    this.#byId.set(keyIdOf(key), key)
    this.#makeNewest(key)
    await saveDocument(this.#record)
  }

  #makeNewest (key: string): void {
    this.#record.keys = [...this.#record.keys.filter((other) => other !== key), key]
    delete this.#record.keyFromLink
    this.newest.set(key)
  }
}
