import sodium from 'libsodium-wrappers'
import type { NewSnapshotData, SyncMachineConfig } from 'secsync'
import * as Y from 'yjs'
import type { OpenDocument } from './open-document.ts'

type DocumentUpdated = Parameters<NonNullable<SyncMachineConfig['onDocumentUpdated']>>[0]

/** The origin of what goes to the server. */
const handedOver = Symbol('handed over')

/** Makes the client send something, and with a new key that something is a snapshot. */
export const emptyChange = Y.encodeStateAsUpdateV2(new Y.Doc())

/**
 * One connection to the server, with its own key pair for signatures: two tabs that shared one would count the same clock.
 *
 * `doc` holds what the server has and what was handed over to it, while the person writes in the document's own. What the one has and
 * the other has not is what must be sent: after a reload, after a time without network, and after a connection that was lost with a
 * snapshot on its way, whose changes the client forgets.
 */
export class Line {
  readonly doc = new Y.Doc()
  readonly keyPair = sodium.crypto_sign_keypair()
  readonly #open: OpenDocument
  /** What was handed over and not confirmed, with the numbers it has in the outbox. */
  readonly #onTheWay = new Map<Uint8Array, number[]>()
  /** What a snapshot that is on its way contains. */
  readonly #inSnapshot = new Map<string, Uint8Array[]>()
  #numbers: number[] = []
  #snapshotBytes = 0
  #abandoned = false
  /** Not the same for everybody, or all would send their snapshot at the same time and only one would be taken. */
  readonly #updatesPerSnapshot = 40 + Math.floor(Math.random() * 10)

  constructor (open: OpenDocument) {
    this.#open = open
    this.doc.on('updateV2', (update: Uint8Array, origin: unknown) => {
      if (origin === handedOver) this.#onTheWay.set(update, this.#numbers)
      else open.receive(update)
    })
  }

  /** Called when the server's state is loaded, also after an interruption. From here on, changes are handed over as they are made. */
  attach (): () => void {
    const { doc, outbox } = this.#open
    const onTheWay = new Set([...this.#onTheWay.values()].flat())
    const waiting = outbox.numbers.filter((number) => !onTheWay.has(number))
    if (Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(this.doc))) outbox.confirm(waiting)
    else this.#handOver(Y.encodeStateAsUpdateV2(doc, Y.encodeStateVector(this.doc)), waiting)
    return this.#open.onChange((change, number) => this.#handOver(change, [number]))
  }

  #handOver (change: Uint8Array, numbers: number[]): void {
    this.#numbers = numbers
    const before = this.#onTheWay.size
    Y.applyUpdateV2(this.doc, change, handedOver)
    if (this.#onTheWay.size === before) this.#open.outbox.confirm(numbers)
  }

  /** The client says what it still has to get confirmed. */
  pending (changes: Uint8Array[]): void {
    if (this.#abandoned) return
    const pending = new Set(changes)
    this.#confirm([...this.#onTheWay.keys()].filter((change) => !pending.has(change)))
  }

  /** From here on, what the client no longer lists is not confirmed but forgotten. */
  abandon (): void {
    this.#abandoned = true
  }

  documentUpdated ({ type, knownSnapshotInfo }: DocumentUpdated): void {
    const keyId = (knownSnapshotInfo.additionalPublicData as { keyId?: string } | undefined)?.keyId
    if (keyId !== undefined) this.#open.activeKeyId = keyId
    // Updates that were refused for a new snapshot are in that snapshot, but the client goes on listing them as unconfirmed.
    if (type === 'snapshot-saved') this.#confirm(this.#inSnapshot.get(knownSnapshotInfo.snapshotId) ?? [])
    if (type.startsWith('snapshot')) this.#inSnapshot.clear()
  }

  #confirm (changes: Uint8Array[]): void {
    const numbers: number[] = []
    for (const change of changes) {
      numbers.push(...this.#onTheWay.get(change) ?? [])
      this.#onTheWay.delete(change)
    }
    if (numbers.length > 0) this.#open.outbox.confirm(numbers)
  }

  /** A snapshot costs its size, an update about a kilobyte: once the updates weigh more, it is time. And at once with a new key. */
  wantsSnapshot (updates: number): boolean {
    const { activeKeyId, keyring } = this.#open
    return activeKeyId !== keyring.newestId || updates >= Math.max(this.#updatesPerSnapshot, this.#snapshotBytes / 1024)
  }

  async snapshot (id: string): Promise<NewSnapshotData> {
    await this.#open.refreshKeys()
    const key = this.#open.keyring.newest.get()
    const data = Y.encodeStateAsUpdateV2(this.doc)
    this.#snapshotBytes = data.length
    this.#inSnapshot.set(id, [...this.#onTheWay.keys()])
    return { data, key: sodium.from_base64(key), publicData: { keyId: this.#open.keyring.newestId } }
  }

  /**
   * useYjsSync makes an Awareness in every render and keeps the first. Each has a timer and ends only with its document, so an hour of
   * writing would leave thousands of them.
   */
  endSpareAwareness (): void {
    const [, ...spare] = this.doc._observers.get('destroy') as Set<() => void> | undefined ?? []
    for (const end of spare) {
      end()
      this.doc.off('destroy', end)
    }
  }
}
