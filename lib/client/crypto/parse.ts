import type { EphemeralMessage, Snapshot, Update } from '../../protocol/messages.ts'
import { CryptoError } from './errors.ts'

/** Decides about public data of an application: given what the protocol does not name, of which there is some. */
export type IsAdditionalData = (additional: Record<string, unknown>) => boolean

/**
 * Checks the shape of a snapshot. Public data that the protocol does not name is refused unless the application expects it.
 * @throws `SECSYNC_INVALID_MESSAGE`
 */
export function parseSnapshot (value: unknown, isAdditional?: IsAdditionalData): Snapshot {
  return parse<Snapshot>('snapshot', value, {
    ...common,
    snapshotId: isId,
    parentSnapshotId: isText,
    parentSnapshotProof: isBase64Of32,
    parentSnapshotUpdateClocks: isClocks
  }, isAdditional)
}

/**
 * Checks the shape of an update.
 * @throws `SECSYNC_INVALID_MESSAGE`
 */
export function parseUpdate (value: unknown, isAdditional?: IsAdditionalData): Update {
  return parse<Update>('update', value, { ...common, refSnapshotId: isId, clock: isClock }, isAdditional)
}

/**
 * Checks the shape of an ephemeral message.
 * @throws `SECSYNC_INVALID_MESSAGE`
 */
export function parseEphemeralMessage (value: unknown, isAdditional?: IsAdditionalData): EphemeralMessage {
  return parse<EphemeralMessage>('ephemeral message', value, common, isAdditional)
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isId: Check = (value) => typeof value === 'string' && value !== ''
const isClock: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isBase64Of32: Check = (value) => typeof value === 'string' && /^[\w-]{43}$/.test(value)
const isClocks: Check = (value) => isRecord(value) && Object.entries(value).every(([author, clock]) => isBase64Of32(author) && isClock(clock))
const common = { docId: isText, pubKey: isBase64Of32 }

function parse<T extends { publicData: object }> (name: string, value: unknown, checks: Record<string, Check>, isAdditional?: IsAdditionalData): T {
  if (!isRecord(value)) throw malformed(name, 'it is not an object')
  const { ciphertext, nonce, publicData, signature } = value
  if (typeof ciphertext !== 'string') throw malformed(name, 'ciphertext')
  if (typeof nonce !== 'string' || nonce.length !== 32) throw malformed(name, 'nonce')
  if (typeof signature !== 'string' || signature.length !== 86) throw malformed(name, 'signature')
  if (!isRecord(publicData)) throw malformed(name, 'publicData')
  for (const [property, check] of Object.entries(checks)) {
    if (!check(publicData[property])) throw malformed(name, `publicData.${property}`)
  }
  const additional = Object.entries(publicData).filter(([property]) => !Object.hasOwn(checks, property))
  if (additional.length > 0 && isAdditional?.(Object.fromEntries(additional)) !== true) {
    throw malformed(name, `additional public data (${additional.map(([property]) => property).join(', ')})`)
  }
  return { ciphertext, nonce, publicData, signature } as unknown as T
}

function malformed (name: string, what: string): CryptoError {
  return new CryptoError('SECSYNC_INVALID_MESSAGE', `Malformed ${name}: ${what}`)
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
