import * as Y from 'yjs'
import type { Role } from '../api.ts'
import { isKey } from '../crypto/base64.ts'
import { isSame } from './is-same.ts'

/** A document in the profile. */
export interface Entry {
  /** In base64, oldest first. */
  keys: string[]
  title: string
  folder: string
  /** With the number of times that the document was handed over, up to this owner. */
  owner?: { memberId: string, handovers: number }
  replacedKeyId?: string
  /** Member ids and the public key of each one's device, as it was seen first. */
  devices: Record<string, string>
  /** Member ids and the public key of which the safety number was compared. */
  compared: Record<string, string>
  /** For a device to which the document is new. It asks the server after that. */
  role?: Role
  openedAt: number
}

/** A device of the person. */
export interface ProfileDevice {
  id: string
  sessionId: string
  browser: string
  system: string
  addedAt: number
}

// Everything is in types of the root with the id in their names: two devices that add the same document at the same moment fill the same ones, and
// none of them replaces what the other has written.
const facts = (doc: Y.Doc, id: string): Y.Map<unknown> => doc.getMap(`document ${id}`)
const keys = (doc: Y.Doc, id: string): Y.Array<unknown> => doc.getArray(`keys ${id}`)
/** True for a document of the list, false for one that was removed from it. */
const list = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('documents')
const deviceMap = (doc: Y.Doc): Y.Map<unknown> => doc.getMap('devices')

const isText = (value: unknown): value is string => typeof value === 'string'

function isOwner (value: unknown): value is NonNullable<Entry['owner']> {
  const { memberId, handovers } = (value ?? {}) as { memberId?: unknown, handovers?: unknown }
  return isText(memberId) && Number.isSafeInteger(handovers)
}

export type Listing = 'listed' | 'removed' | 'unknown'

export function listingOf (doc: Y.Doc, id: string): Listing {
  const listed = list(doc).get(id)
  if (listed === undefined) return 'unknown'
  return listed === true ? 'listed' : 'removed'
}

/** Ids of the documents that are listed, or were. */
export function idsOf (doc: Y.Doc): string[] {
  return [...list(doc).keys()]
}

export function entryOf (doc: Y.Doc, id: string): Entry | undefined {
  if (listingOf(doc, id) !== 'listed') return undefined
  const kept = facts(doc, id)
  const [title, folder, owner, replacedKeyId, role, openedAt] = ['title', 'folder', 'owner', 'replacedKeyId', 'role', 'openedAt'].map((name) => kept.get(name))
  const those = (kind: string) => Object.fromEntries([...kept].flatMap(([name, value]): Array<[string, string]> => {
    return name.startsWith(`${kind} `) && isText(value) ? [[name.slice(kind.length + 1), value]] : []
  }))
  return {
    keys: [...new Set(keys(doc, id).toArray().filter(isText).filter(isKey))],
    title: isText(title) ? title : '',
    folder: isText(folder) ? folder : '',
    ...isOwner(owner) && { owner },
    ...isText(replacedKeyId) && { replacedKeyId },
    devices: those('device'),
    compared: those('compared'),
    ...(role === 'owner' || role === 'editor' || role === 'viewer') && { role },
    openedAt: typeof openedAt === 'number' ? openedAt : 0
  }
}

/** Writes what differs. */
export function writeEntry (doc: Y.Doc, id: string, entry: Entry): void {
  const before = entryOf(doc, id)
  const kept = facts(doc, id)
  const set = (name: string, value: unknown) => { if (value !== undefined && kept.get(name) !== value) kept.set(name, value) }
  if (before === undefined) list(doc).set(id, true)
  for (const name of ['title', 'folder', 'replacedKeyId', 'role'] as const) set(name, entry[name])
  if (entry.owner !== undefined && !isSame(before?.owner, entry.owner)) kept.set('owner', entry.owner)
  // When it came into the list: each device has an order of its own after that.
  if (before === undefined) set('openedAt', entry.openedAt)
  for (const [memberId, publicKey] of Object.entries(entry.devices)) set(`device ${memberId}`, publicKey)
  for (const [memberId, publicKey] of Object.entries(entry.compared)) set(`compared ${memberId}`, publicKey)
  writeKeys(keys(doc, id), entry.keys)
}

function writeKeys (array: Y.Array<unknown>, wanted: string[]): void {
  for (const [place, key] of wanted.entries()) {
    const known = array.toArray()
    if (!known.includes(key)) array.insert(wanted.slice(0, place).reduce((at, before) => Math.max(at, known.indexOf(before) + 1), 0), [key])
  }
}

/** From the list of all devices, and its keys with it. */
export function removeEntry (doc: Y.Doc, id: string): void {
  if (listingOf(doc, id) !== 'listed') return
  list(doc).set(id, false)
  for (const name of [...facts(doc, id).keys()]) facts(doc, id).delete(name)
  const array = keys(doc, id)
  array.delete(0, array.length)
}

export function devicesOf (doc: Y.Doc): ProfileDevice[] {
  return [...deviceMap(doc)].flatMap(([id, value]) => {
    const { sessionId, browser, system, addedAt } = (value ?? {}) as Partial<ProfileDevice>
    return isText(sessionId) && isText(browser) && isText(system) && typeof addedAt === 'number' ? [{ id, sessionId, browser, system, addedAt }] : []
  })
}

export function writeDevice (doc: Y.Doc, { id, ...device }: ProfileDevice): void {
  const known = devicesOf(doc).find((other) => other.id === id)
  if (known?.sessionId !== device.sessionId) deviceMap(doc).set(id, { ...device, addedAt: known?.addedAt ?? device.addedAt })
}

export function removeDevices (doc: Y.Doc, are: (device: ProfileDevice) => boolean): void {
  for (const device of devicesOf(doc)) if (are(device)) deviceMap(doc).delete(device.id)
}
