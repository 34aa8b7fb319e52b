import { defaultDeleteFilter, defaultProtectedNodes, ySyncPluginKey } from 'y-prosemirror'
import { Awareness, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Unreachable, type Member, type Membership, type Role } from '../api.ts'
import { deviceKeys } from '../crypto/device.ts'
import { KeyExchange } from '../crypto/key-exchange.ts'
import { Keyring, MissingKey } from '../crypto/keyring.ts'
import { read } from '../device/database.ts'
import { forgetContent, saveDocument, type DocumentRecord } from '../device/documents.ts'
import { Outbox } from '../device/outbox.ts'
import { randomText } from '../random.ts'
import type { Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import { colorAt } from './colors.ts'
import type { Person, PresenceState } from './presence.ts'

/** Origins of changes: what came from the server, what came from this device's disk, what the person typed into the title. */
const fromServer = Symbol('from the server')
const fromDisk = Symbol('from the disk')
export const fromTitle = Symbol('from the title')

/** The whole content is written at most this often. What was changed here and not confirmed is on the disk at once. */
const savePause = 1000

/** A document on the screen, with or without a connection: its content, its keys, and what waits to be sent. */
export class OpenDocument {
  readonly id: string
  readonly record: DocumentRecord
  readonly doc = new Y.Doc()
  readonly body = this.doc.getXmlFragment('body')
  readonly title = this.doc.getText('title')
  /** One for text and title, so that undo takes back what was done last, wherever it was. */
  readonly undo = new Y.UndoManager([this.body, this.title], {
    trackedOrigins: new Set([ySyncPluginKey, fromTitle]),
    deleteFilter: (item) => defaultDeleteFilter(item, defaultProtectedNodes),
    captureTransaction: ({ meta }) => meta.get('addToHistory') !== false
  })

  readonly presence = new Awareness(this.doc)
  readonly role: Signal<Role | undefined>
  readonly members = new Signal<Membership | undefined>(undefined)
  readonly outbox: Outbox
  readonly keyring: Keyring
  readonly keyExchange: KeyExchange
  /** Names the key of the active snapshot. */
  activeKeyId: string | undefined
  /** How many changes were thrown away, since their author may only read now. The page opens the document anew without them. */
  readonly discarded = new Signal(0)
  /** The server has something that none of our keys opens. */
  keyMissing = false
  readonly #session: () => Session
  readonly #tab = randomText(9)
  readonly #listeners = new Set<(change: Uint8Array, number: number) => void>()
  readonly #stopSaving: () => void
  #saving: ReturnType<typeof setTimeout> | undefined
  #savedAt = 0

  static async open (record: DocumentRecord, session: () => Session): Promise<OpenDocument> {
    const keyring = new Keyring(record)
    const opened = new OpenDocument(record, session, keyring, new KeyExchange(record, keyring, await deviceKeys()))
    const content = await read<Uint8Array>('contents', record.id)
    const changes = await opened.outbox.load()
    opened.doc.transact(() => {
      for (const change of content === undefined ? changes : [content, ...changes]) Y.applyUpdateV2(opened.doc, change, fromDisk)
    }, fromDisk)
    opened.undo.clear()
    return opened
  }

  private constructor (record: DocumentRecord, session: () => Session, keyring: Keyring, keyExchange: KeyExchange) {
    this.id = record.id
    this.record = record
    this.#session = session
    this.keyring = keyring
    this.keyExchange = keyExchange
    this.role = new Signal(record.role)
    this.outbox = new Outbox(record.id)
    this.doc.on('updateV2', this.#onUpdate)
    this.#stopSaving = this.outbox.size.subscribe(this.#saveSoon)
    this.presence.setLocalStateField('user', this.#self(0))
  }

  get mayWrite (): boolean {
    const role = this.role.get()
    return role === 'owner' || role === 'editor'
  }

  #self (place: number): Person {
    const { name, memberId } = this.#session()
    return { name, memberId, color: colorAt(place), tab: this.#tab }
  }

  readonly #saveSoon = () => {
    this.#saving ??= setTimeout(() => { void this.save() }, Math.max(0, this.#savedAt + savePause - Date.now()))
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown) => {
    this.#saveSoon()
    // The editor repairs what it cannot show. A viewer's repairs stay with the viewer.
    if (origin === fromServer || origin === fromDisk || !this.mayWrite) return
    const number = this.outbox.add(update)
    for (const listener of this.#listeners) listener(update, number)
  }

  /** A change made here, with its number in the outbox. */
  onChange (listener: (change: Uint8Array, number: number) => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  receive (update: Uint8Array): void {
    Y.applyUpdateV2(this.doc, update, fromServer)
  }

  /** An offline device keeps what it has: a new key is asked for before the next snapshot again. */
  async refreshKeys (): Promise<void> {
    await this.keyExchange.refresh(this.#session()).catch((error: unknown) => {
      if (!(error instanceof Unreachable)) throw error
    })
  }

  /** The key of a snapshot, which may be one that was made a moment ago. */
  async keyOf (keyId: string | undefined): Promise<string> {
    if (keyId === undefined) return this.keyring.newest.get()
    try {
      if (!this.keyring.has(keyId)) await this.refreshKeys()
      const key = this.keyring.open(keyId)
      this.keyMissing = false
      return key
    } catch (error) {
      this.keyMissing = error instanceof MissingKey
      throw error
    }
  }

  async setMembership (membership: Membership): Promise<void> {
    this.#showOut(membership.members)
    this.members.set(membership)
    const self = this.#self(membership.members.findIndex(({ memberId }) => memberId === this.#session().memberId))
    this.presence.setLocalStateField('user', self)
    this.role.set(membership.role)
    this.record.role = membership.role
    this.record.registered = true
    const owner = membership.members.find(({ role }) => role === 'owner')?.memberId
    if (owner !== undefined) this.record.owner ??= owner
    await saveDocument(this.record)
    if (!this.mayWrite && this.outbox.size.get() > 0) await this.#discard()
  }

  /** Who was removed cannot say goodbye. */
  #showOut (members: Member[]): void {
    const removed = (this.members.get()?.members ?? []).filter(({ memberId }) => !members.some((member) => member.memberId === memberId))
    const ids = [...this.presence.getStates()].filter(([, state]) => {
      const { user } = state as PresenceState
      return removed.some(({ memberId }) => memberId === user?.memberId)
    })
    removeAwarenessStates(this.presence, ids.map(([id]) => id), 'removed')
  }

  async #discard (): Promise<void> {
    const discarded = this.outbox.size.get()
    clearTimeout(this.#saving)
    await forgetContent(this.id)
    this.discarded.set(discarded)
  }

  readonly save = async (): Promise<void> => {
    clearTimeout(this.#saving)
    this.#saving = undefined
    this.#savedAt = Date.now()
    if (this.discarded.get() > 0) return
    this.record.title = this.title.toString().trim()
    await Promise.all([this.outbox.save(Y.encodeStateAsUpdateV2(this.doc)), saveDocument(this.record)]).catch(() => {})
  }

  close (): void {
    this.#stopSaving()
    void this.save()
    this.doc.off('updateV2', this.#onUpdate)
    this.undo.destroy()
    this.doc.destroy()
  }
}
