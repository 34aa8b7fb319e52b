import { fromBase64, isKey, toBase64 } from '../crypto/base64.ts'
import type { BoxKeyPair } from '../crypto/box.ts'
import { deviceKeys } from '../crypto/device.ts'
import { hasProfile, useProfile, type Profile } from '../profile/profile.ts'
import { keepSession, session, type Session } from '../session.ts'
import { read, write } from './database.ts'
import { mergeKeys } from './merge-keys.ts'
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
  /** Whoever opens the file finds the profile, with what came later. */
  hasProfile?: boolean
  keys: Record<string, number>
}

export type Safety =
  | { kind: 'never' }
  | { kind: 'behind', savedAt: number, missing: number }
  | { kind: 'complete', savedAt: number }
  | { kind: 'devices', devices: number, savedAt?: number, missing: number }

/** Whether a recovery file or another device has all documents, and all keys of each. */
export async function safetyOf (documents: DocumentRecord[], profile?: Pick<Profile, 'otherDevices'>): Promise<Safety> {
  const saved = await read<Saved>('settings', 'recovery')
  const devices = profile?.otherDevices.length ?? 0
  const isReached = ({ id, keys, inProfile }: DocumentRecord) => {
    return keys.length <= (saved?.keys[id] ?? 0) || (inProfile !== undefined && (devices > 0 || saved?.hasProfile === true))
  }
  const missing = documents.filter((record) => !isReached(record)).length
  if (devices > 0) return { kind: 'devices', devices, ...saved !== undefined && { savedAt: saved.savedAt }, missing }
  if (saved === undefined) return { kind: 'never' }
  return missing === 0 ? { kind: 'complete', savedAt: saved.savedAt } : { kind: 'behind', savedAt: saved.savedAt, missing }
}

/** Who this person is, for another device: it finds their documents in the profile. */
export async function collectIdentity ({ memberId, name }: Session): Promise<Recovery> {
  const { publicKey, privateKey } = await deviceKeys()
  return { session: { sessionKey: '', memberId, name }, deviceKeys: { publicKey: toBase64(publicKey), privateKey: toBase64(privateKey) }, documents: [] }
}

/** `own` is a session for the file. Documents that the server does not know yet are not in it: they would be without text. */
export async function collectRecovery (own: Session): Promise<Recovery> {
  const [identity, records] = await Promise.all([collectIdentity(own), readDocuments()])
  return {
    ...identity,
    session: own,
    documents: records.filter(({ registered }) => registered).map(({ id, title, role, keys, owner, handovers = 0, devices, openedAt, folder }) =>
      ({ id, title, role, keys, ...owner !== undefined && { owner }, handovers, devices, openedAt, ...folder !== undefined && { folder } }))
  }
}

/** Called when the file was handed to the browser. */
export async function noteSaved ({ documents, session }: Recovery): Promise<void> {
  const saved: Saved = { savedAt: Date.now(), hasProfile: hasProfile(session), keys: Object.fromEntries(documents.map(({ id, keys }) => [id, keys.length])) }
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
  const records = await readDocuments()
  // Whose session has ended is somebody new for the server, with the device key of before and without access to what is here.
  const isBack = toBase64((await deviceKeys()).publicKey) === content.deviceKeys.publicKey && records.every(({ isRemoved }) => isRemoved === true)
  if (isBack && records.length > 0) return { kind: 'isHere', name }
  return { kind: records.length === 0 ? 'withoutDocuments' : 'somebodyElse', name, here: current.name }
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
    await saveDocument(known === undefined ? { ...record, keys, registered: true } : Object.assign(known, { keys: mergeKeys(keys, known.keys) }))
  }
  const { sessionKey, memberId, name } = content.session
  await useProfile(content.session)
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
