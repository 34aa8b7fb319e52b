import { documentPath, request, type Member, type Membership } from '../api.ts'
import { saveDocument, type DocumentRecord } from '../device/documents.ts'
import type { Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import { randomText, toBase64 } from './base64.ts'
import type { BoxKeyPair } from './box.ts'
import { voucher } from './device.ts'
import { keyIdOf, MissingKey, type Keyring } from './keyring.ts'
import { safetyNumber } from './safety-number.ts'
import { isReceiver, seal, unsealHandover, unsealKey } from './sealed-key.ts'

interface Device {
  memberId: string
  publicKey: string
  voucher: string
}

/** The device of a member, as this browser knows it. */
export interface SeenDevice {
  /** New keys are sealed for it. Otherwise the server has named it too late: after a removal began, or vouched for with an older key. */
  isTrusted: boolean
  /** The server names another one now. New keys are still sealed for the one that was seen. */
  isChanged: boolean
  /** This person has compared the safety number. */
  isCompared: boolean
}

interface Rotation {
  keyId: string
  /** For this member. Absent for those who joined later, with a link that has the key. */
  box?: string
}

/** Named by the server, vouched for with this key of the document, and not trusted. */
interface LateDevice {
  memberId: string
  publicKey: string
  keyId: string
}

/** Members who did not get a new key, by name. */
export interface NotReached {
  /** The server names a device that was not seen before the removal. Its safety number can be compared. */
  asked: string[]
  /** There is no device of theirs, or none for which something can be sealed. */
  unreached: string[]
}

interface SharedKeys {
  devices: Device[]
  rotations: Rotation[]
  /** For this member. */
  handovers: Array<{ number: number, box: string }>
}

/**
 * A new document key when a member is removed.
 *
 * The owner's browser makes the key and seals it for the device of everyone who stays. The next snapshot, and all that follows it, is
 * encrypted with it. The server keeps the boxes and cannot open them, and for the removed member there is none. What they could read
 * before, they may have kept: no key takes that back.
 *
 * Devices and the owner are remembered as first seen, so that the server cannot exchange them later. It could at the first sight, but
 * only with the help of somebody who has the document key. Whoever is removed has the key that is replaced: from the moment in which a
 * removal begins it vouches for nobody. A device that shows up later counts when people have compared its safety number, or when a newer
 * key vouches for it.
 *
 * The owner can hand the document over. Keys are taken from the next one on the word of the one before, which the server keeps and
 * cannot make.
 */
export class KeyExchange {
  /** By member id. */
  readonly devices = new Signal<ReadonlyMap<string, SeenDevice>>(new Map())
  readonly #record: DocumentRecord
  readonly #keyring: Keyring
  readonly #device: BoxKeyPair
  /** Those that the server named last. */
  #named: Device[] = []
  /** Public keys, and whether something can be sealed for them: it takes some time to find out. */
  readonly #receivers = new Map<string, boolean>()

  constructor (record: DocumentRecord, keyring: Keyring, device: BoxKeyPair) {
    this.#record = record
    this.#keyring = keyring
    this.#device = device
  }

  /** Takes the new keys that are meant for this device, remembers the other devices, and makes this one known. */
  async refresh (session: Session): Promise<void> {
    await this.#refresh(session, true)
  }

  async #refresh (session: Session, remembers: boolean): Promise<void> {
    const shared = await request<SharedKeys>('GET', documentPath(this.#record.id, 'keys'), session.sessionKey)
    this.#record.devices[session.memberId] = toBase64(this.#device.publicKey)
    this.#named = shared.devices
    // Another tab of this person may have begun a removal.
    await saveDocument(this.#record)
    try {
      await this.#follow(shared)
      if (remembers) await this.#remember()
    } finally {
      this.#show()
    }
    await this.#announce(shared.devices, session)
  }

  /** Makes a new key and seals it for the members who stay and whose device was seen before. The owner is among them: an answer may get lost. */
  async makeKey (session: Session, removed?: string): Promise<{ key: string } & NotReached> {
    try {
      await this.#refresh(session, false)
    } finally {
      this.#record.replacedKeyId = this.#keyring.newestId
      await saveDocument(this.#record)
    }
    const members = await this.#askMembers(session)
    const key = randomText(32)
    const replaces = this.#keyring.newestId
    const boxes: Array<{ memberId: string, box: string }> = []
    const [asked, unreached]: [string[], string[]] = [[], []]
    for (const { memberId, name } of members) {
      if (memberId === removed) continue
      const publicKey = this.#trusted(memberId)
      if (publicKey !== undefined) boxes.push({ memberId, box: seal({ documentId: this.#record.id, key, replaces }, publicKey, this.#device) })
      else (this.#namedLate(memberId) === undefined ? unreached : asked).push(name)
    }
    await request('POST', documentPath(this.#record.id, 'keys'), session.sessionKey, { keyId: keyIdOf(key), boxes })
    return { key, asked, unreached }
  }

  /**
   * Makes another member the owner, and says so to all whose device is known. Returns the names of the others: their browsers take no keys
   * of the next owner.
   */
  async handOver (session: Session, memberId: string): Promise<string[]> {
    await this.refresh(session)
    const members = await this.#askMembers(session)
    const publicKey = this.#trusted(memberId)
    if (publicKey === undefined) throw new Error('The device of the next owner is not known')
    const number = (this.#record.handovers ?? 0) + 1
    const boxes: Array<{ memberId: string, box: string }> = []
    const unreached: string[] = []
    for (const member of members) {
      const receiver = this.#trusted(member.memberId)
      const content = { documentId: this.#record.id, number, owner: { memberId, publicKey } }
      if (receiver === undefined) unreached.push(member.name)
      else boxes.push({ memberId: member.memberId, box: seal(content, receiver, this.#device) })
    }
    await request('POST', documentPath(this.#record.id, 'owner'), session.sessionKey, { memberId, number, boxes })
    await this.#noteOwner(memberId, number)
    return unreached
  }

  /** Whether the owner that the server names is the one whose keys this device takes. */
  isOwnedAs (members: Membership['members']): boolean {
    const owner = members.find(({ role }) => role === 'owner')?.memberId
    return owner === undefined || owner === this.#record.owner
  }

  /** A page may not know yet who has just joined. After `refresh`: then a device that is not known is that of a member who is named. */
  async #askMembers ({ sessionKey }: Session): Promise<Member[]> {
    return (await request<Membership>('GET', documentPath(this.#record.id), sessionKey)).members
  }

  async #noteOwner (memberId: string, number: number): Promise<void> {
    this.#record.owner = memberId
    this.#record.handovers = number
    await saveDocument(this.#record)
  }

  /** Whether new keys would be sealed for all of these. */
  reaches (members: Membership['members']): boolean {
    return members.every(({ memberId }) => this.#trusted(memberId) !== undefined)
  }

  /** The safety number of this person and a member whose device is known. */
  numberWith (memberId: string, selfId: string): string | undefined {
    const publicKey = this.#trusted(memberId) ?? this.#namedLate(memberId)?.publicKey
    return publicKey && safetyNumber({ memberId: selfId, publicKey: toBase64(this.#device.publicKey) }, { memberId, publicKey })
  }

  /** The number was the same on the other's device. One that was named too late is trusted from now on, and gets the keys that it misses. */
  async noteCompared (memberId: string, session: Session): Promise<void> {
    const late = this.#trusted(memberId) === undefined ? this.#namedLate(memberId) : undefined
    const publicKey = this.#trusted(memberId) ?? late?.publicKey
    if (publicKey === undefined) return
    if (late !== undefined) await this.#sendKeys(late, session)
    this.#record.devices[memberId] = publicKey
    this.#record.compared = { ...this.#record.compared, [memberId]: publicKey }
    await saveDocument(this.#record)
    this.#show()
  }

  /** The keys after the one that it has: with this it has vouched for itself. */
  async #sendKeys ({ memberId, publicKey, keyId: known }: LateDevice, { sessionKey }: Session): Promise<void> {
    const { rotations } = await request<SharedKeys>('GET', documentPath(this.#record.id, 'keys'), sessionKey)
    const ids = rotations.map(({ keyId }) => keyId)
    let replaces = known
    const boxes: Array<{ keyId: string, box: string }> = []
    for (const keyId of ids.slice(ids.indexOf(known) + 1)) {
      const key = this.#keyring.get(keyId)
      if (key === undefined) throw new MissingKey()
      boxes.push({ keyId, box: seal({ documentId: this.#record.id, key, replaces }, publicKey, this.#device) })
      replaces = keyId
    }
    if (boxes.length > 0) await request('POST', documentPath(this.#record.id, 'members', memberId, 'boxes'), sessionKey, { boxes })
  }

  /** The device of a member for which new keys are sealed. */
  #trusted (memberId: string): string | undefined {
    const publicKey = this.#record.devices[memberId]
    return publicKey !== undefined && this.#isReceiver(publicKey) ? publicKey : undefined
  }

  #isReceiver (publicKey: string): boolean {
    const known = this.#receivers.get(publicKey) ?? isReceiver(publicKey)
    this.#receivers.set(publicKey, known)
    return known
  }

  /** A device that the server names, and somebody vouches for who has or had a key of the document. */
  #namedLate (memberId: string): LateDevice | undefined {
    const device = this.#named.find((device) => device.memberId === memberId && this.#isReceiver(device.publicKey))
    const key = device && this.#record.keys.findLast((key) => device.voucher === voucher(key, this.#record.id, memberId, device.publicKey))
    return key === undefined || device === undefined ? undefined : { memberId, publicKey: device.publicKey, keyId: keyIdOf(key) }
  }

  /** The devices that the newest key vouches for. */
  async #remember (): Promise<void> {
    if (this.#record.replacedKeyId === this.#keyring.newestId) return
    const key = this.#keyring.newest.get()
    const seen = this.#named.filter(({ memberId, publicKey, voucher: vouched }) => {
      return this.#trusted(memberId) === undefined && this.#isReceiver(publicKey) && vouched === voucher(key, this.#record.id, memberId, publicKey)
    })
    if (seen.length === 0) return
    for (const { memberId, publicKey } of seen) this.#record.devices[memberId] = publicKey
    await saveDocument(this.#record)
  }

  #show (): void {
    const { compared } = this.#record
    const devices = new Map<string, SeenDevice>()
    for (const memberId of new Set([...Object.keys(this.#record.devices), ...this.#named.map(({ memberId }) => memberId)])) {
      const publicKey = this.#trusted(memberId)
      if (publicKey === undefined && this.#namedLate(memberId) === undefined) continue
      const isChanged = publicKey !== undefined && this.#named.some((device) => device.memberId === memberId && device.publicKey !== publicKey)
      devices.set(memberId, { isTrusted: publicKey !== undefined, isChanged, isCompared: publicKey !== undefined && compared?.[memberId] === publicKey })
    }
    this.devices.set(devices)
  }

  /** Takes what each owner has handed out, one owner after the other. */
  async #follow ({ rotations, handovers }: SharedKeys): Promise<void> {
    do await this.#takeKeys(rotations)
    while (await this.#takeHandover(handovers))
    const newest = rotations.at(-1)
    if (newest !== undefined && !this.#keyring.has(newest.keyId)) throw new MissingKey()
  }

  async #takeKeys (rotations: Rotation[]): Promise<void> {
    const owner = this.#trusted(this.#record.owner ?? '')
    for (const { keyId, box } of rotations) {
      if (this.#keyring.has(keyId) || box === undefined || owner === undefined) continue
      const content = unsealKey(box, owner, this.#device)
      if (content?.documentId === this.#record.id && content.replaces === this.#keyring.newestId) await this.#keyring.add(content.key)
    }
  }

  /** Whether there was a next one. A device that was seen before stays the one whose keys are taken. */
  async #takeHandover (handovers: SharedKeys['handovers']): Promise<boolean> {
    const next = (this.#record.handovers ?? 0) + 1
    const box = handovers.find(({ number }) => number === next)?.box
    const before = this.#trusted(this.#record.owner ?? '')
    const content = box === undefined || before === undefined ? undefined : unsealHandover(box, before, this.#device)
    if (content?.documentId !== this.#record.id || content.number !== next) return false
    const { memberId, publicKey } = content.owner
    if (this.#trusted(memberId) === undefined) this.#record.devices[memberId] = publicKey
    await this.#noteOwner(memberId, next)
    return true
  }

  async #announce (devices: Device[], { sessionKey, memberId }: Session): Promise<void> {
    const publicKey = toBase64(this.#device.publicKey)
    const key = this.#keyring.newest.get()
    const vouched = voucher(key, this.#record.id, memberId, publicKey)
    if (devices.some((device) => device.memberId === memberId && device.voucher === vouched)) return
    await request('PUT', documentPath(this.#record.id, 'keys', 'device'), sessionKey, { publicKey, voucher: vouched })
  }
}
