import type { SecsyncDocument } from 'fastify-secsync/client'
import { defaultDeleteFilter, defaultProtectedNodes, ySyncPluginKey } from 'y-prosemirror'
import { Awareness, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { documentPath, mayWrite, request, Refused, Unreachable, type Member, type Membership, type Role } from '../api.ts'
import { Comments } from '../comments/comments.ts'
import { commentKeys } from '../comments/keys.ts'
import { deviceKeys } from '../crypto/device.ts'
import { KeyExchange } from '../crypto/key-exchange.ts'
import { Keyring } from '../crypto/keyring.ts'
import { saveDocument, type DocumentRecord } from '../device/documents.ts'
import { keepRefused, readRefused } from '../device/refused.ts'
import { forgetEarlierCopy, readEarlierCopy, type EarlierCopy } from '../device/earlier-version.ts'
import { session, withSession, type Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import { sendInBackground } from './background.ts'
import { colorAt } from './colors.ts'
import { connect, keyIdIn } from './connect.ts'
import { personAt, personOf, statesOf, type Person, type PresenceState } from './presence.ts'
import { forgetContent } from './storage.ts'
import { fromTitle, observeTitle, titleMap, titleOf } from './title.ts'

/** Milliseconds: how often at most members are asked for, and how soon the first time. */
const pause = { members: 2000, soon: 200 }

/** A document on the screen: its content, its keys, its people, and the client that keeps it the same as everybody else's. */
export class OpenDocument {
  readonly id: string
  readonly record: DocumentRecord
  /** Made on this device, and not known to the server when it was opened. */
  readonly isNew: boolean
  readonly doc = new Y.Doc()
  readonly body = this.doc.getXmlFragment('body')
  /** One for text and title, so that undo takes back what was done last, wherever it was. */
  readonly undo = new Y.UndoManager([this.body, titleMap(this.doc)], {
    trackedOrigins: new Set([ySyncPluginKey, fromTitle]),
    deleteFilter: (item) => defaultDeleteFilter(item, defaultProtectedNodes),
    captureTransaction: ({ meta }) => meta.get('addToHistory') !== false
  })

  readonly comments: Comments
  readonly presence = new Awareness(this.doc)
  readonly role: Signal<Role | undefined>
  readonly members = new Signal<Membership | undefined>(undefined)
  readonly keyring: Keyring
  readonly keyExchange: KeyExchange
  readonly connection: SecsyncDocument
  /** How many changes were thrown away, since their author may only read now. The document is closed then. */
  readonly discarded = new Signal<number | undefined>(undefined)
  /** Whether the document has something that the editor does not show. */
  readonly hasLeftOut = new Signal(false)
  readonly #ends: Array<() => void> = []
  #earlierCopy: EarlierCopy | undefined
  #closing: Promise<void> | undefined
  #isRotating = false
  #isIntroduced = false
  /** What others last said about when members changed. */
  readonly #membersChangedAt = new Map<number, number | undefined>()
  #titleSaved = Promise.resolve()
  #membersTimer: ReturnType<typeof setTimeout> | undefined
  #membersAskedAt = 0
  /** Keys of which the server does not say whose they are: asked for once. */
  readonly #unknown = new Set<string>()

  static async open (record: DocumentRecord): Promise<OpenDocument> {
    const keyring = new Keyring(record)
    return new OpenDocument(record, keyring, new KeyExchange(record, keyring, await deviceKeys()), await readEarlierCopy(record.id))
  }

  private constructor (record: DocumentRecord, keyring: Keyring, keyExchange: KeyExchange, earlierCopy: EarlierCopy | undefined) {
    this.id = record.id
    this.record = record
    this.isNew = !record.registered
    this.keyring = keyring
    this.keyExchange = keyExchange
    this.role = new Signal(record.role)
    this.#earlierCopy = earlierCopy
    this.doc.transact(() => { for (const update of earlierCopy?.updates ?? []) Y.applyUpdateV2(this.doc, update) })
    this.comments = new Comments(this.doc, record.id)
    this.connection = connect(this)
    this.presence.on('change', this.#othersSaid)
    this.#ends.push(
      observeTitle(this.doc, () => { void this.#saveTitle() }),
      this.connection.subscribe(this.#moved),
      keyring.newest.subscribe(this.#rotate),
      this.comments.conversations.subscribe(this.#commented),
      () => this.comments.close()
    )
  }

  /** Who this is, with the colour of their place among the members. */
  get self (): Person {
    const { name = '', memberId = '' } = session.get() ?? {}
    const members = this.members.get()?.members ?? []
    return personAt(members, members.findIndex((member) => member.memberId === memberId)) ?? { name, memberId, color: colorAt(0) }
  }

  /** Whose page a state is of. Undefined until the server has said it. */
  personOf ({ user }: PresenceState): Person | undefined {
    return this.personWith(user?.publicKey)
  }

  /** Whose public key it is. */
  personWith (publicKey: string | undefined): Person | undefined {
    const membership = this.members.get()
    return membership && personOf(membership, publicKey)
  }

  readonly #moved = () => {
    const { connection, connection: { status }, loaded, pending, storage } = this.connection.getState()
    // While the server takes them, they are gone in a moment.
    if (pending === 0 || status !== 'live') this.#noteUnsent(pending > 0)
    if (connection.status === 'noAccess' && connection.reason !== 'unauthenticated' && this.record.role !== undefined) this.#note({ isRemoved: true })
    if (status !== 'live') return
    // By a link that is open to everyone one becomes a member by connecting.
    if (this.role.get() === undefined) void withSession((session) => this.enter(session)).catch(() => {})
    if (this.#earlierCopy !== undefined && loaded === 'server' && pending === 0 && storage === 'device') {
      void forgetEarlierCopy(this.id, this.#earlierCopy).catch(() => {})
      this.#earlierCopy = undefined
    }
    this.#rotate()
  }

  /** A removal is complete when a snapshot has the new key: who removed somebody may have been cut off in between. */
  readonly #rotate = () => {
    const { connection: { status }, snapshot } = this.connection.getState()
    const keyId = keyIdIn(snapshot?.additionalPublicData)
    if (status !== 'live' || this.#isRotating || !mayWrite(this.role.get()) || keyId === undefined || keyId === this.keyring.newestId) return
    this.#isRotating = true
    void this.connection.createSnapshot().catch(() => {}).then(() => {
      this.#isRotating = false
      this.#rotate()
    })
  }

  /** An offline device keeps what it has: a new key is asked for before the next snapshot again. */
  async refreshKeys (): Promise<void> {
    await withSession((session) => this.keyExchange.refresh(session)).catch((error: unknown) => {
      if (!(error instanceof Unreachable)) throw error
    })
  }

  // Members

  /** The owner's page tells the others when a role changed: the server does not. */
  readonly #othersSaid = ({ removed }: { removed: number[] }) => {
    for (const id of removed) this.#membersChangedAt.delete(id)
    for (const [id, state] of statesOf(this.presence)) {
      const { membersChangedAt, user: { publicKey } = {} } = state
      if (id === this.presence.clientID || publicKey === undefined) continue
      this.#askWhoseIs(publicKey)
      if (this.#membersChangedAt.get(id) === membersChangedAt) continue
      this.#membersChangedAt.set(id, membersChangedAt)
      this.#refreshSoon()
    }
  }

  readonly #commented = () => {
    for (const publicKey of this.comments.publicKeys) this.#askWhoseIs(publicKey)
  }

  #askWhoseIs (publicKey: string): void {
    if (this.personWith(publicKey) !== undefined || this.#unknown.has(publicKey)) return
    this.#unknown.add(publicKey)
    this.#refreshSoon()
  }

  #refreshSoon (): void {
    this.#membersTimer ??= setTimeout(() => {
      this.#membersTimer = undefined
      this.#membersAskedAt = Date.now()
      void this.#refreshPeople().catch(() => {})
    }, Math.max(pause.soon, this.#membersAskedAt + pause.members - Date.now()))
  }

  /** What a member does first: says which key this page signs with, and takes what the server says of the others, and the newest key. */
  async enter (session: Session): Promise<void> {
    await this.#askMembers(session)
    await this.keyExchange.refresh(session)
  }

  /**
   * Also the devices of those who are new: later, with the help of somebody who is removed, the server could name others for them. And what
   * the owner has said of the next one.
   */
  async #refreshPeople (): Promise<void> {
    await this.refreshMembers()
    const members = this.members.get()?.members ?? []
    if (!this.keyExchange.reaches(members) || !this.keyExchange.isOwnedAs(members)) await this.refreshKeys()
  }

  async refreshMembers (): Promise<void> {
    await withSession((session) => this.#askMembers(session))
  }

  async #askMembers ({ sessionKey, memberId }: Session): Promise<void> {
    const { publicKey } = this.connection
    if (!this.#isIntroduced) {
      await this.#introduce(publicKey, sessionKey)
      // Before the server gets a comment that was written offline. In this browser somebody else may have written with it.
      const keys = await commentKeys()
      if (keys !== undefined) await this.#introduce(keys.publicKey, sessionKey).catch(unlessRefused)
    }
    const membership = await request<Membership>('GET', documentPath(this.id), sessionKey)
    this.#isIntroduced = membership.members.some((member) => member.memberId === memberId && member.publicKeys.includes(publicKey))
    // Nothing brings back the record of a document that was left meanwhile.
    if (this.#closing === undefined) await this.#setMembership(membership)
  }

  /** Says whose comments are signed with this key. */
  readonly introduceComments = async (publicKey: string): Promise<void> => {
    if (this.personWith(publicKey) !== undefined) return
    await withSession(async (session) => {
      await this.#introduce(publicKey, session.sessionKey)
      await this.#askMembers(session)
    }).catch(() => { this.#isIntroduced = false })
  }

  async #introduce (publicKey: string, sessionKey: string): Promise<void> {
    await request('PUT', documentPath(this.id, 'authors', publicKey), sessionKey)
  }

  async #setMembership (membership: Membership): Promise<void> {
    this.#showOut(membership.members)
    this.members.set(membership)
    // Whoever shows people looks again who they are.
    this.presence.emit('change', [{ added: [], updated: [], removed: [] }, 'members'])
    this.record.role = membership.role
    this.record.isRemoved = false
    this.record.listedRole = undefined
    this.record.registered = true
    const owner = membership.members.find(({ role }) => role === 'owner')?.memberId
    if (owner !== undefined && this.record.owner === undefined) Object.assign(this.record, { owner, handovers: membership.handovers })
    await saveDocument(this.record)
    const { pending, loaded } = this.connection.getState()
    if (!mayWrite(membership.role) && pending > 0) {
      // Until it is compared with the server's, the whole copy of an earlier version counts as one change.
      const { changeKeys } = this.#earlierCopy ?? {}
      await this.#discard(changeKeys === undefined || loaded === 'server' ? pending : pending - 1 + changeKeys.length)
    }
    this.role.set(membership.role)
  }

  /** Who was removed cannot say goodbye. */
  #showOut (members: Member[]): void {
    const removed = (this.members.get()?.members ?? []).filter(({ memberId }) => !members.some((member) => member.memberId === memberId))
    const ids = [...statesOf(this.presence)].filter(([, { user }]) => removed.some(({ publicKeys }) => publicKeys.includes(user?.publicKey ?? '')))
    removeAwarenessStates(this.presence, ids.map(([id]) => id), 'removed')
  }

  async #discard (changes: number): Promise<void> {
    const { count = 0 } = await readRefused(this.id) ?? {}
    await keepRefused(this.id, { count: count + changes, content: Y.encodeStateAsUpdateV2(this.doc) })
    await this.close()
    await forgetContent(this.id)
    this.discarded.set(changes)
  }

  // The device

  #noteUnsent (hasUnsent: boolean): void {
    if (this.connection.getState().loaded !== 'no') this.#note({ hasUnsent })
  }

  #note (facts: Pick<DocumentRecord, 'hasUnsent' | 'isRemoved'>): void {
    if (facts.hasUnsent === true) void sendInBackground().catch(() => {})
    if (Object.entries(facts).every(([name, value]) => (this.record[name as keyof typeof facts] ?? false) === value)) return
    Object.assign(this.record, facts)
    void saveDocument(this.record).catch(() => {})
  }

  /** At once: a page may end at any time. */
  readonly #saveTitle = (): Promise<void> => {
    this.#titleSaved = this.#titleSaved.then(async () => {
      const title = titleOf(this.doc).trim()
      // What is not loaded yet has no title.
      if (title === this.record.title || (title === '' && this.connection.getState().loaded === 'no')) return
      this.record.title = title
      await saveDocument(this.record).catch(() => {})
    })
    return this.#titleSaved
  }

  /** Resolves when all of it is on this device. */
  close (): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close (): Promise<void> {
    this.#noteUnsent(this.connection.getState().pending > 0)
    for (const end of this.#ends.splice(0)) end()
    clearTimeout(this.#membersTimer)
    this.presence.off('change', this.#othersSaid)
    const closed = Promise.all([this.connection.destroy(), this.#saveTitle()])
    this.undo.destroy()
    this.doc.destroy()
    await closed
  }
}

function unlessRefused (error: unknown): void {
  if (!(error instanceof Refused)) throw error
}
