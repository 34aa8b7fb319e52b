import { documentPath, request, type Membership } from '../api.ts'
import { saveDocument, type DocumentRecord } from '../device/documents.ts'
import type { Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import { randomText, toBase64 } from './base64.ts'
import type { BoxKeyPair } from './box.ts'
import { voucher } from './device.ts'
import { keyIdOf, MissingKey, type Keyring } from './keyring.ts'
import { safetyNumber } from './safety-number.ts'
import { isReceiver, seal, unseal } from './sealed-key.ts'

interface Device {
  memberId: string
  publicKey: string
  voucher: string
}

/** The device of a member that this browser has seen. */
export interface SeenDevice {
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

interface SharedKeys {
  devices: Device[]
  rotations: Rotation[]
}

/**
 * A new document key when a member is removed.
 *
 * The owner's browser makes the key and seals it for the device of everyone who stays. The next snapshot, and all that follows it, is
 * encrypted with it. The server keeps the boxes and cannot open them, and for the removed member there is none. What they could read
 * before, they may have kept: no key takes that back.
 *
 * Devices and the owner are remembered as first seen, so that the server cannot exchange them later. It could at the first sight, but
 * only with the help of somebody who has the document key.
 */
export class KeyExchange {
  /** By member id. */
  readonly devices = new Signal<ReadonlyMap<string, SeenDevice>>(new Map())
  readonly #record: DocumentRecord
  readonly #keyring: Keyring
  readonly #device: BoxKeyPair
  /** Those that the server named last. */
  #named: Device[] = []

  constructor (record: DocumentRecord, keyring: Keyring, device: BoxKeyPair) {
    this.#record = record
    this.#keyring = keyring
    this.#device = device
  }

  /** Takes the new keys that are meant for this device, remembers the other devices, and makes this one known. */
  async refresh (session: Session): Promise<void> {
    const shared = await request<SharedKeys>('GET', documentPath(this.#record.id, 'keys'), session.sessionKey)
    this.#record.devices[session.memberId] = toBase64(this.#device.publicKey)
    await this.#remember(shared.devices)
    await this.#takeKeys(shared.rotations)
    await this.#announce(shared.devices, session)
  }

  /**
   * Makes a new key and seals it for the members who stay, the owner included: an answer may get lost. `unreached` are the names of those
   * whose device was not seen, or has no key that can be right.
   */
  async makeKey (session: Session, { members }: Membership, removed?: string): Promise<{ key: string, unreached: string[] }> {
    await this.refresh(session)
    const key = randomText(32)
    const replaces = this.#keyring.newestId
    const boxes: Array<{ memberId: string, box: string }> = []
    const unreached: string[] = []
    for (const { memberId, name } of members) {
      if (memberId === removed) continue
      const publicKey = this.#record.devices[memberId]
      if (publicKey === undefined || !isReceiver(publicKey)) unreached.push(name)
      else boxes.push({ memberId, box: seal({ documentId: this.#record.id, key, replaces }, publicKey, this.#device) })
    }
    await request('POST', documentPath(this.#record.id, 'keys'), session.sessionKey, { keyId: keyIdOf(key), boxes })
    return { key, unreached }
  }

  /** The safety number of this person and a member whose device was seen. */
  numberWith (memberId: string, selfId: string): string | undefined {
    const publicKey = this.#record.devices[memberId]
    return publicKey && safetyNumber({ memberId: selfId, publicKey: toBase64(this.#device.publicKey) }, { memberId, publicKey })
  }

  /** The number was the same on the other's device. */
  async noteCompared (memberId: string): Promise<void> {
    const publicKey = this.#record.devices[memberId]
    if (publicKey === undefined) return
    this.#record.compared = { ...this.#record.compared, [memberId]: publicKey }
    await saveDocument(this.#record)
    this.#show()
  }

  async #remember (devices: Device[]): Promise<void> {
    const known = this.#record.devices
    const key = this.#keyring.newest.get()
    for (const { memberId, publicKey, voucher: vouched } of devices) {
      const isKnown = known[memberId] !== undefined && isReceiver(known[memberId])
      if (!isKnown && isReceiver(publicKey) && vouched === voucher(key, this.#record.id, memberId, publicKey)) known[memberId] = publicKey
    }
    await saveDocument(this.#record)
    this.#named = devices
    this.#show()
  }

  #show (): void {
    const { devices, compared } = this.#record
    const seen = Object.entries(devices).filter(([, publicKey]) => isReceiver(publicKey))
    this.devices.set(new Map(seen.map(([memberId, publicKey]) => {
      const isChanged = this.#named.some((device) => device.memberId === memberId && device.publicKey !== publicKey)
      return [memberId, { isChanged, isCompared: compared?.[memberId] === publicKey }]
    })))
  }

  async #takeKeys (rotations: Rotation[]): Promise<void> {
    const owner = this.#record.devices[this.#record.owner ?? '']
    for (const { keyId, box } of rotations) {
      if (this.#keyring.has(keyId) || box === undefined || owner === undefined) continue
      const content = unseal(box, owner, this.#device)
      if (content?.documentId === this.#record.id && content.replaces === this.#keyring.newestId) await this.#keyring.add(content.key)
    }
    const newest = rotations.at(-1)
    if (newest !== undefined && !this.#keyring.has(newest.keyId)) throw new MissingKey()
  }

  async #announce (devices: Device[], { sessionKey, memberId }: Session): Promise<void> {
    const publicKey = toBase64(this.#device.publicKey)
    const key = this.#keyring.newest.get()
    const vouched = voucher(key, this.#record.id, memberId, publicKey)
    if (devices.some((device) => device.memberId === memberId && device.voucher === vouched)) return
    await request('PUT', documentPath(this.#record.id, 'keys', 'device'), sessionKey, { publicKey, voucher: vouched })
  }
}
