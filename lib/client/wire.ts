import type { SnapshotProofChainEntry } from '../protocol/chain.ts'
import { ClientError } from './errors.ts'

/** A part of a document, not looked at yet. */
export interface Parts {
  snapshot?: unknown
  snapshotProofChain: SnapshotProofChainEntry[]
  /** `undefined`: the server has sent none, not even an empty list. */
  updates: unknown[] | undefined
}

/** What a server sends, as far as it can be told without keys. Stored messages in it are looked at later. */
export type FromServer =
  | { type: 'document', parts: Parts }
  | { type: 'unauthorized' | 'document-not-found' | 'document-error' }
  | { type: 'snapshot', snapshot: unknown }
  | { type: 'snapshot-saved', snapshotId: string }
  /** `isFull`: the document has no room for more. */
  | { type: 'snapshot-save-failed', parts: Parts, isFull: boolean }
  | { type: 'update', update: unknown }
  | { type: 'update-saved', snapshotId: string, clock: number }
  | { type: 'update-save-failed', requiresNewSnapshot: boolean, isFull: boolean }
  | { type: 'ephemeral-message', message: unknown }
  /** Sent now and then if the client asks for it: `interval` is the time between two, in milliseconds. */
  | { type: 'heartbeat', interval: number }
  | { type: 'custom', message: Record<string, unknown> }

/** Throws `SECSYNC_INVALID_MESSAGE`. */
export function parseServerMessage (data: unknown): FromServer {
  const message = parseJson(data)
  const { type } = message
  switch (type) {
    case 'document':
      return { type, parts: partsOf(message) }
    case 'snapshot-save-failed':
      return { type, parts: partsOf(message), isFull: message.reason === 'documentFull' }
    case 'unauthorized':
    case 'document-not-found':
    case 'document-error':
      return { type }
    case 'snapshot':
      return { type, snapshot: message.snapshot }
    case 'snapshot-saved':
      if (typeof message.snapshotId !== 'string') throw malformed(type)
      return { type, snapshotId: message.snapshotId }
    case 'update':
      return { type, update: message }
    case 'update-saved':
      if (typeof message.snapshotId !== 'string' || typeof message.clock !== 'number') throw malformed(type)
      return { type, snapshotId: message.snapshotId, clock: message.clock }
    case 'update-save-failed':
      return { type, requiresNewSnapshot: message.requiresNewSnapshot === true, isFull: message.reason === 'documentFull' }
    case 'ephemeral-message':
      return { type, message }
    case 'heartbeat':
      if (typeof message.interval !== 'number' || !(message.interval > 0)) throw malformed(type)
      return { type, interval: message.interval }
    default:
      return { type: 'custom', message }
  }
}

function parseJson (data: unknown): Record<string, unknown> {
  let message: unknown
  try {
    message = JSON.parse(String(data))
  } catch {}
  if (!isRecord(message)) throw malformed('message')
  return message
}

function partsOf ({ type, snapshot, snapshotProofChain = [], updates }: Record<string, unknown>): Parts {
  const isChain = Array.isArray(snapshotProofChain) && snapshotProofChain.every(isChainEntry)
  if (!isChain || (updates !== undefined && !Array.isArray(updates))) throw malformed(String(type))
  return { ...isPresent(snapshot) && { snapshot }, snapshotProofChain, updates }
}

function isPresent (value: unknown): boolean {
  return value !== undefined && value !== null
}

function isChainEntry (entry: unknown): entry is SnapshotProofChainEntry {
  return isRecord(entry) && typeof entry.snapshotId === 'string' && typeof entry.parentSnapshotProof === 'string' &&
    typeof entry.snapshotCiphertextHash === 'string'
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed (what: string): ClientError {
  return new ClientError('SECSYNC_INVALID_MESSAGE', `The server has sent a ${what} that makes no sense`)
}
