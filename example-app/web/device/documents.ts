import { read, transact } from './database.ts'
import { Signal } from '../ui/signal.ts'
import type { Role } from '../api.ts'
import { isKey, randomText } from '../crypto/base64.ts'
import type { Agreed } from '../profile/reconcile.ts'
import { mergeKeys } from './merge-keys.ts'
import { forgetRefused } from './refused.ts'

/** What this device remembers of a document beside its content. */
export interface DocumentRecord {
  readonly id: string
  title: string
  /** Unknown until the server said it. */
  role: Role | undefined
  /** Document keys in base64, oldest first. The last one encrypts what is new. */
  keys: string[]
  /** What the server said since the document was last open. `role` stays what its changes were made with, until it is opened. */
  listedRole?: Role | undefined
  /** The server let this person in before, and does not any more. */
  isRemoved?: boolean
  /** Changes of this device did not reach the server yet. */
  hasUnsent?: boolean
  /** Files of this device that the server does not have yet. */
  hasUnsentFiles?: boolean
  /** A key that came with a link while there were others. It becomes the last one once a snapshot turns out to be encrypted with it. */
  keyFromLink?: string | undefined
  /** The server knows the document. False while it was only made on this device. */
  registered: boolean
  /** The member id of the owner, as first seen or as the owner before has said. */
  owner?: string
  /** How often the document was handed over, up to this owner. Missing: never. */
  handovers?: number
  /** Member ids and the public key that each one's device had when we first saw it. */
  devices: Record<string, string>
  /**
   * The id of a key that is being replaced because somebody is removed who has it, and could vouch with it for a device of the server.
   * It vouches for no further device.
   */
  replacedKeyId?: string
  /** Member ids, and the public key of which this person has compared the safety number. */
  compared?: Record<string, string>
  openedAt: number
  /** How this person sorts it, on this device and in their recovery files. Without one it is empty or missing. */
  folder?: string
  /** What the profile had of it when both were last the same. */
  inProfile?: Agreed
}

/** Documents that this person has removed, until their profile knows it: from this device only, or from all of theirs. */
export type Forgotten = Record<string, 'here' | 'everywhere'>

/** Each record as it was read or saved last. What differs since is what this page has to say. */
const asSaved = new WeakMap<DocumentRecord, DocumentRecord>()

export const documents = new Signal<DocumentRecord[]>([])

/** All of this device, in no order. */
export function readDocuments (): Promise<DocumentRecord[]> {
  return transact<DocumentRecord[]>(['documents'], 'readonly', (transaction) => transaction.objectStore('documents').getAll())
}

export async function loadDocuments (): Promise<void> {
  documents.set((await readDocuments()).sort((a, b) => b.openedAt - a.openedAt))
}

export async function readDocument (id: string): Promise<DocumentRecord | undefined> {
  const record = await read<DocumentRecord>('documents', id)
  if (record === undefined) return undefined
  asSaved.set(withoutBrokenKeys(record), structuredClone(record))
  return record
}

/** An earlier version kept the keys of links whose end was cut off. */
function withoutBrokenKeys (record: DocumentRecord): DocumentRecord {
  record.keys = record.keys.filter(isKey)
  if (record.keyFromLink !== undefined && !isKey(record.keyFromLink)) delete record.keyFromLink
  return record
}

/**
 * Writes what this page has changed in the record since it was read or saved last. The rest, as another tab has left it, comes into the record. One
 * that was removed from the device meanwhile stays removed.
 */
export async function saveDocument (record: DocumentRecord): Promise<void> {
  await transact(['documents'], 'readwrite', (transaction) => {
    const store = transaction.objectStore('documents')
    const reading: IDBRequest<DocumentRecord | undefined> = store.get(record.id)
    reading.onsuccess = () => {
      if (reading.result === undefined && asSaved.has(record)) return
      keepOthers(record, reading.result)
      keepKeys(record, reading.result)
      store.put(record)
      asSaved.set(record, structuredClone(record))
    }
    return reading
  })
  await loadDocuments()
}

/** Writes these facts of a document that this device has. Other facts stay as they are. */
export async function changeDocument (id: string, facts: Partial<Omit<DocumentRecord, 'id'>>): Promise<void> {
  const record = await readDocument(id)
  if (record !== undefined) await saveDocument(Object.assign(record, facts))
}

function keepOthers (record: DocumentRecord, onDisk: DocumentRecord | undefined): void {
  const before = asSaved.get(record)
  if (onDisk === undefined || before === undefined) return
  for (const name of Object.keys({ ...before, ...onDisk }) as Array<keyof DocumentRecord>) {
    const isOurs = JSON.stringify(record[name]) !== JSON.stringify(before[name])
    if (!isOurs && name !== 'keys') Object.assign(record, { [name]: onDisk[name] })
  }
  // Whose device was seen first stays the one to compare with.
  for (const [memberId, publicKey] of Object.entries(onDisk.devices)) {
    if (publicKey !== before.devices[memberId]) record.devices[memberId] = publicKey
  }
}

/** Another tab may have learned a key since this record was read. A lost key is a lost document. */
function keepKeys (record: DocumentRecord, onDisk: DocumentRecord | undefined): void {
  const unproven = onDisk?.keyFromLink
  const others = (onDisk?.keys ?? []).filter(isKey)
  record.keys = mergeKeys(record.keys, others.filter((key) => key !== unproven))
  if (unproven !== undefined && others.includes(unproven) && !record.keys.includes(unproven)) record.keys.unshift(unproven)
}

/** Works without the server, which hears of the document when it is opened. */
export async function newDocument (): Promise<DocumentRecord> {
  const record: DocumentRecord = {
    id: randomText(24), title: '', role: 'owner', keys: [randomText(32)], registered: false, devices: {}, openedAt: Date.now()
  }
  await saveDocument(record)
  return record
}

/** A document that came by link. A key that is new here does not push out those that are known, and one that cannot be right is not kept. */
export async function rememberDocument (id: string, key: string, role: Role | undefined): Promise<DocumentRecord> {
  const record = await readDocument(id) ?? { id, title: '', role, keys: [], registered: true, devices: {}, openedAt: Date.now() }
  if (role !== undefined) record.role = role
  if (isKey(key) && !record.keys.includes(key)) {
    if (record.keys.length > 0) record.keyFromLink = key
    record.keys.unshift(key)
  }
  await saveDocument(record)
  return record
}

/**
 * Changes many at once, in one transaction: no page saves one of them in between. `change` gives what is to be saved, or undefined to leave it as it
 * is. It is called for documents that are not there, too.
 */
export async function updateDocuments (ids: string[], change: (id: string, record: DocumentRecord | undefined) => DocumentRecord | undefined): Promise<void> {
  await transact(['documents'], 'readwrite', (transaction) => {
    const store = transaction.objectStore('documents')
    for (const id of ids) {
      const reading: IDBRequest<DocumentRecord | undefined> = store.get(id)
      reading.onsuccess = () => {
        const changed = change(id, reading.result && withoutBrokenKeys(reading.result))
        if (changed !== undefined) store.put(changed)
      }
    }
    return store.count()
  })
  await loadDocuments()
}

const forgottenKey = 'forgotten'

export async function readForgotten (): Promise<Forgotten> {
  return await read<Forgotten>('settings', forgottenKey) ?? {}
}

/** Undefined: it is nothing to remember any more. */
export async function noteForgotten (id: string, where: 'here' | 'everywhere' | undefined): Promise<void> {
  await transact(['settings'], 'readwrite', (transaction) => {
    const store = transaction.objectStore('settings')
    const reading: IDBRequest<Forgotten | undefined> = store.get(forgottenKey)
    reading.onsuccess = () => {
      const { [id]: _before, ...others } = reading.result ?? {}
      store.put(where === undefined ? others : { ...others, [id]: where }, forgottenKey)
    }
    return reading
  })
}

/** `here`: this person's other devices keep it. */
export async function forgetDocument (id: string, where: 'here' | 'everywhere' = 'here'): Promise<void> {
  await noteForgotten(id, where)
  await forgetOnDevice(id)
}

/** Nothing of it is left on this device. */
export async function forgetOnDevice (id: string): Promise<void> {
  const [{ forgetContent }, { forgetFiles }] = await Promise.all([import('../sync/storage.ts'), import('./files.ts')])
  await forgetContent(id)
  await forgetRefused(id)
  await forgetFiles(id)
  await transact(['documents'], 'readwrite', (transaction) => transaction.objectStore('documents').delete(id))
  await loadDocuments()
}
