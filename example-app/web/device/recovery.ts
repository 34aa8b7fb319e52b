import { fromBase64, isKey, toBase64 } from '../crypto/base64.ts'
import type { BoxKeyPair } from '../crypto/box.ts'
import { deviceKeys } from '../crypto/device.ts'
import { keepSession, session, type Session } from '../session.ts'
import { read, transact, write } from './database.ts'
import { loadDocuments, readDocument, readDocuments, saveDocument, type DocumentRecord } from './documents.ts'

/** What another browser needs to be this person: who they are for the server, this device's key pair, and all keys of documents. The server has the texts. */
interface Recovery {
  session: Session
  deviceKeys: { publicKey: string, privateKey: string }
  documents: Array<Pick<DocumentRecord, 'id' | 'title' | 'role' | 'keys' | 'owner' | 'handovers' | 'devices' | 'openedAt' | 'folder'>>
}

/** What the last recovery file has: for each document the number of its keys. */
interface Saved {
  savedAt: number
  keys: Record<string, number>
}

export type Safety = { kind: 'never' } | { kind: 'behind', savedAt: number, missing: number } | { kind: 'complete', savedAt: number }

/** Whether a recovery file has all documents, and all keys of each. */
export async function safetyOf (documents: DocumentRecord[]): Promise<Safety> {
  const saved = await read<Saved>('settings', 'recovery')
  if (saved === undefined) return { kind: 'never' }
  const missing = documents.filter(({ id, keys }) => keys.length > (saved.keys[id] ?? 0)).length
  return missing === 0 ? { kind: 'complete', savedAt: saved.savedAt } : { kind: 'behind', savedAt: saved.savedAt, missing }
}

/** `own` is a session for the file. Documents that the server does not know yet are not in it: they would be without text. */
export async function collectRecovery (own: Session): Promise<Recovery> {
  const [{ publicKey, privateKey }, records] = await Promise.all([deviceKeys(), readDocuments()])
  return {
    session: own,
    deviceKeys: { publicKey: toBase64(publicKey), privateKey: toBase64(privateKey) },
    documents: records.filter(({ registered }) => registered).map(({ id, title, role, keys, owner, handovers = 0, devices, openedAt, folder }) =>
      ({ id, title, role, keys, ...owner !== undefined && { owner }, handovers, devices, openedAt, ...folder !== undefined && { folder } }))
  }
}

/** Called when the file was handed to the browser. */
export async function noteSaved ({ documents }: Recovery): Promise<void> {
  const saved: Saved = { savedAt: Date.now(), keys: Object.fromEntries(documents.map(({ id, keys }) => [id, keys.length])) }
  await write('settings', saved, 'recovery')
}

/** Who this browser is to become, and who is here. `somebodyElse` has documents here. */
export type Newcomer = { kind: 'nobodyHere' | 'isHere', name: string } | { kind: 'withoutDocuments' | 'somebodyElse', name: string, here: string }

/** Undefined if it is none. */
export async function newcomerOf (content: unknown): Promise<Newcomer | undefined> {
  if (!isRecovery(content)) return undefined
  const { memberId, name } = content.session
  const current = session.get()
  if (current === undefined) return { kind: 'nobodyHere', name }
  if (current.memberId === memberId) return { kind: 'isHere', name }
  const own = await transact<number>(['documents'], 'readonly', (transaction) => transaction.objectStore('documents').count())
  return { kind: own === 0 ? 'withoutDocuments' : 'somebodyElse', name, here: current.name }
}

export type Recovered = { outcome: 'recovered', session: Session, documents: number } | { outcome: 'somebodyElse' | 'noRecoveryFile' }

/** Makes this browser the person of the file. Keys that it has stay. A browser in which somebody else has documents is left as it is. */
export async function recover (content: unknown): Promise<Recovered> {
  const newcomer = await newcomerOf(content)
  if (newcomer === undefined || !isRecovery(content)) return { outcome: 'noRecoveryFile' }
  if (newcomer.kind === 'somebodyElse') return { outcome: 'somebodyElse' }
  const { publicKey, privateKey } = content.deviceKeys
  const pair: BoxKeyPair = { publicKey: fromBase64(publicKey), privateKey: fromBase64(privateKey) }
  if (newcomer.kind !== 'isHere') await write('settings', pair, 'device-keys')
  for (const record of content.documents) {
    const known = await readDocument(record.id)
    const keys = record.keys.filter(isKey)
    await saveDocument(known === undefined ? { ...record, keys, registered: true } : Object.assign(known, { keys: [...new Set([...keys, ...known.keys])] }))
  }
  const { sessionKey, memberId, name } = content.session
  await keepSession({ sessionKey, memberId, name })
  await loadDocuments()
  return { outcome: 'recovered', session: { sessionKey, memberId, name }, documents: content.documents.length }
}

function isRecovery (content: unknown): content is Recovery {
  const { session, deviceKeys, documents } = (content ?? {}) as Partial<Recovery>
  return [session?.sessionKey, session?.memberId, session?.name].every((text) => typeof text === 'string') &&
    typeof deviceKeys?.publicKey === 'string' && isKey(deviceKeys.publicKey) && typeof deviceKeys.privateKey === 'string' && isKey(deviceKeys.privateKey) &&
    Array.isArray(documents) && documents.every(({ id, keys }) => typeof id === 'string' && Array.isArray(keys))
}
