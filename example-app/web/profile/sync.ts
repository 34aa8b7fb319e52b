import { openDocument, type SecsyncDocument } from 'fastify-secsync/client'
import { yjs } from 'fastify-secsync/client/yjs'
import * as Y from 'yjs'
import { documentPath, request } from '../api.ts'
import { documents, forgetOnDevice, loadDocuments, noteForgotten, readDocuments, readForgotten, updateDocuments, type DocumentRecord } from '../device/documents.ts'
import { endpoint } from '../sync/endpoint.ts'
import { storage } from '../sync/storage.ts'
import { route } from '../route.ts'
import { session, type Session } from '../session.ts'
import { devicesOf, entryOf, idsOf, listingOf, removeDevices, removeEntry, writeDevice, writeEntry } from './entry.ts'
import { isSame } from './is-same.ts'
import { profileIdentity, type ProfileIdentity } from './identity.ts'
import { keepProfile, profile, profileSetting, sessionIdOf, type ProfileSetting } from './profile.ts'
import { reconcile, recordFrom } from './reconcile.ts'
import { browserOf } from './this-browser.ts'

/** Keeps the list of this device and the profile the same, also without a network: what has changed on one side since both agreed changes the other. */
export class ProfileSync {
  readonly #doc = new Y.Doc()
  readonly #member: Session
  readonly #setting: ProfileSetting
  readonly #connection: SecsyncDocument
  readonly #ends: Array<() => void> = []
  #stepping: Promise<void> | undefined
  #isDue = false
  #sessionKey: string | undefined

  static async start (member: Session, setting: ProfileSetting): Promise<ProfileSync> {
    return new ProfileSync(member, setting, await profileIdentity(member.memberId))
  }

  private constructor (member: Session, setting: ProfileSetting, { documentId, key }: ProfileIdentity) {
    this.#member = member
    this.#setting = setting
    this.#connection = openDocument({
      url: endpoint,
      documentId,
      crdt: yjs(this.#doc),
      storage,
      sessionKey: () => this.#admit(documentId),
      getKey: () => key,
      // Nobody else has the key, and the server lets in nobody else.
      isValidClient: () => true
    })
    this.#doc.on('update', (_update: Uint8Array, origin: unknown) => { if (origin !== this) void loadDocuments().then(this.step).catch(() => {}) })
    const look = () => { void this.step().catch(() => {}) }
    this.#ends.push(documents.subscribe(look), route.subscribe(look), this.#connection.subscribe(this.#moved))
  }

  /** The first time it makes the profile. A session that has ended is not replaced: another person has no use for this profile. */
  async #admit (documentId: string): Promise<string> {
    const { sessionKey } = session.get() ?? this.#member
    await request('PUT', documentPath(documentId), sessionKey)
    return sessionKey
  }

  readonly #moved = () => {
    const { connection, loaded } = this.#connection.getState()
    // Of a list both histories are right: what one of them lacks comes from the other.
    if (connection.status === 'trouble' && connection.error.mustTrust) this.#connection.trustServer()
    if (connection.status === 'live') void this.#introduce().catch(() => {})
    if (loaded !== 'no') void this.step().catch(() => {})
  }

  /** Writes this device into the profile, with the session that it has. */
  async #introduce (): Promise<void> {
    const { sessionKey } = session.get() ?? this.#member
    if (sessionKey === this.#sessionKey) return
    this.#sessionKey = sessionKey
    try {
      const sessionId = await sessionIdOf(sessionKey)
      const { seen } = profileSetting.get() ?? this.#setting
      // Those that were there before this one are known.
      if (seen === undefined) await this.#noteSeen()
      this.#write(() => writeDevice(this.#doc, { id: this.#setting.device, sessionId, ...browserOf(navigator.userAgent), addedAt: Date.now() }))
      this.#show()
    } catch (error) {
      this.#sessionKey = undefined
      throw error
    }
  }

  #write (work: () => void): void {
    this.#doc.transact(work, this)
  }

  /** One at a time. What changes meanwhile is looked at by another one. */
  readonly step = (): Promise<void> => {
    this.#isDue = true
    this.#stepping ??= this.#steps().finally(() => { this.#stepping = undefined })
    return this.#stepping
  }

  async #steps (): Promise<void> {
    while (this.#isDue && this.#ends.length > 0) {
      this.#isDue = false
      if (this.#connection.getState().loaded !== 'no') await this.#step()
    }
  }

  async #step (): Promise<void> {
    const [records, forgotten] = await Promise.all([readDocuments(), readForgotten()])
    const byId = new Map(records.map((record) => [record.id, record]))
    for (const [id, where] of Object.entries(forgotten)) {
      if (!byId.has(id) && where === 'here') continue
      if (!byId.has(id)) this.#write(() => removeEntry(this.#doc, id))
      // It came back by a link, or nobody asks for it any more.
      await noteForgotten(id, undefined)
      delete forgotten[id]
    }
    const removed: string[] = []
    const different: string[] = []
    for (const id of new Set([...byId.keys(), ...idsOf(this.#doc)])) {
      const record = byId.get(id)
      if (this.#isRemoved(id, record)) removed.push(id)
      else if (forgotten[id] === undefined && this.#agreeOn(id, record) !== undefined) different.push(id)
    }
    for (const id of removed) await forgetOnDevice(id)
    if (different.length > 0) {
      await updateDocuments(different, (id, record) => {
        if (this.#isRemoved(id, record)) return undefined
        const agreed = this.#agreeOn(id, record)
        if (agreed?.entry !== undefined) this.#write(() => writeEntry(this.#doc, id, agreed.entry))
        return agreed?.record
      })
    }
    this.#show()
  }

  /** Removed on another device of this person. What waits to be sent stays until it is sent, and what is on the screen until it is left. */
  #isRemoved (id: string, record: DocumentRecord | undefined): boolean {
    if (record?.inProfile === undefined || listingOf(this.#doc, id) !== 'removed') return false
    const where = route.get()
    return record.hasUnsent !== true && record.hasUnsentFiles !== true && !(where.page === 'document' && where.id === id)
  }

  /** What each side is to be. Undefined if nothing is to be changed. */
  #agreeOn (id: string, record: DocumentRecord | undefined) {
    const entry = entryOf(this.#doc, id)
    if (record === undefined) return entry === undefined || entry.keys.length === 0 ? undefined : { record: recordFrom(id, entry), entry }
    // What the server does not know has no text for another device.
    if (!record.registered || record.keys.length === 0 || this.#waits(id, record)) return undefined
    const agreed = reconcile(record, entry)
    return isSame(agreed.record, record) && isSame(agreed.entry, entry) ? undefined : agreed
  }

  #waits (id: string, record: DocumentRecord): boolean {
    return record.inProfile !== undefined && listingOf(this.#doc, id) === 'removed'
  }

  #show (): void {
    if (this.#connection.getState().loaded === 'no' || this.#ends.length === 0) return
    const { device } = this.#setting
    const devices = devicesOf(this.#doc)
    const otherDevices = devices.filter(({ id }) => id !== device)
    const known = (profileSetting.get() ?? this.#setting).seen
    // One whose session was ended is a new one when it comes back.
    const seen = known?.filter((id) => devices.some((one) => one.id === id))
    if (seen?.length !== known?.length) void keepProfile({ ...this.#setting, ...seen !== undefined && { seen } }).catch(() => {})
    const newDevices = seen === undefined ? [] : otherDevices.filter(({ id }) => !seen.includes(id))
    if (isSame(profile.get()?.otherDevices, otherDevices) && isSame(profile.get()?.newDevices, newDevices)) return
    profile.set({
      otherDevices,
      newDevices,
      whenSaved: () => this.#whenSaved(),
      forgetSessions: (are) => {
        this.#write(() => removeDevices(this.#doc, ({ id, sessionId }) => id !== device && are(sessionId)))
        this.#show()
      },
      noteSeen: () => this.#noteSeen()
    })
  }

  async #noteSeen (): Promise<void> {
    await keepProfile({ ...this.#setting, seen: devicesOf(this.#doc).map(({ id }) => id) })
    this.#show()
  }

  async #whenSaved (): Promise<void> {
    await this.step()
    await this.#connection.whenSaved()
  }

  async close (): Promise<void> {
    for (const end of this.#ends.splice(0)) end()
    profile.set(undefined)
    await this.#stepping?.catch(() => {})
    await this.#connection.destroy()
    this.#doc.destroy()
  }
}
