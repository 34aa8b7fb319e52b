import { Type, type Static } from './typebox.ts'
import { Clock } from './clocks.ts'
import { EphemeralMessage, Snapshot, Update } from './messages.ts'

// All messages of the server. The builders return JSON and insert stored messages unchanged. Builders of large messages return parts, because
// joining them would copy the message.

const ProofChain = Type.Array(Type.Object({
  snapshotId: Type.String(),
  parentSnapshotProof: Type.String(),
  snapshotCiphertextHash: Type.String()
}))

export const Document = Type.Object({
  type: Type.Literal('document'),
  snapshot: Type.Optional(Snapshot),
  snapshotProofChain: Type.Optional(ProofChain),
  updates: Type.Optional(Type.Array(Update))
})

export const ServerMessage = Type.Union([
  Document,
  Type.Object({ type: Type.Literal('document-not-found') }),
  Type.Object({ type: Type.Literal('document-error') }),
  Type.Object({ type: Type.Literal('unauthorized') }),
  Type.Object({ type: Type.Literal('snapshot'), snapshot: Snapshot }),
  Type.Object({ type: Type.Literal('snapshot-saved'), snapshotId: Type.String() }),
  Type.Object({
    type: Type.Literal('snapshot-save-failed'),
    snapshot: Type.Optional(Snapshot),
    snapshotProofChain: Type.Optional(ProofChain),
    updates: Type.Optional(Type.Array(Update)),
    reason: Type.Optional(Type.Literal('documentFull'))
  }),
  Type.Composite([Type.Object({ type: Type.Literal('update') }), Update]),
  Type.Object({ type: Type.Literal('update-saved'), snapshotId: Type.String(), clock: Clock }),
  Type.Object({
    type: Type.Literal('update-save-failed'),
    // Both are missing for a malformed update.
    snapshotId: Type.Optional(Type.String()),
    clock: Type.Optional(Clock),
    requiresNewSnapshot: Type.Boolean(),
    reason: Type.Optional(Type.Literal('documentFull'))
  }),
  Type.Composite([Type.Object({ type: Type.Literal('ephemeral-message') }), EphemeralMessage]),
  // Only for clients that request it. The published client would pass it to `onCustomMessage`.
  Type.Object({ type: Type.Literal('heartbeat'), interval: Type.Integer() })
])
export type ServerMessage = Static<typeof ServerMessage>

/** The parts of a document as JSON: the active snapshot, the proof chain (an array), the updates (separated by commas). */
export interface DocumentText {
  snapshot?: string | undefined
  snapshotProofChain?: string | undefined
  updates: string
}

/** Why a change was refused. An addition to the protocol: the published client ignores it. */
export const documentFull = 'documentFull'
export type Reason = typeof documentFull

export const documentNotFound = '{"type":"document-not-found"}'
export const documentError = '{"type":"document-error"}'
export const unauthorized = '{"type":"unauthorized"}'

/**
 * A new document has no `updates` property. For empty `updates` without a snapshot, the published client would call `getSnapshotKey` and
 * `onDocumentUpdated` without a snapshot.
 */
export function document (document: DocumentText, isNew: boolean): string[] {
  return isNew ? ['{"type":"document"}'] : ['{"type":"document"', ...parts(document), '}']
}

export function snapshot (text: string): string[] {
  return ['{"type":"snapshot","snapshot":', text, '}']
}

export function snapshotSaved (snapshotId: string): string {
  return JSON.stringify({ type: 'snapshot-saved', snapshotId })
}

/** `missing` contains the changes that the author does not have, if they caused the conflict. */
export function snapshotSaveFailed (missing?: DocumentText, reason?: Reason): string[] {
  return ['{"type":"snapshot-save-failed"', ...missing ? parts(missing) : [], ...reason ? [`,"reason":"${reason}"`] : [], '}']
}

export function update (text: string): string {
  return `{"type":"update",${text.slice(1)}`
}

export function updateSaved (snapshotId: string, clock: number): string {
  return JSON.stringify({ type: 'update-saved', snapshotId, clock })
}

export function updateSaveFailed (snapshotId: unknown, clock: unknown, requiresNewSnapshot = false, reason?: Reason): string {
  return JSON.stringify({
    type: 'update-save-failed',
    snapshotId: typeof snapshotId === 'string' ? snapshotId : undefined,
    clock: typeof clock === 'number' ? clock : undefined,
    requiresNewSnapshot,
    reason
  })
}

export function ephemeralMessage (text: string): string {
  return `{"type":"ephemeral-message",${text.slice(1)}`
}

/** `interval`: milliseconds until the next one. */
export function heartbeat (interval: number): string {
  return JSON.stringify({ type: 'heartbeat', interval })
}

function parts ({ snapshot, snapshotProofChain, updates }: DocumentText): string[] {
  return [
    ...snapshot ? [',"snapshot":', snapshot] : [],
    ...snapshotProofChain ? [',"snapshotProofChain":', snapshotProofChain] : [],
    ',"updates":[', updates, ']'
  ]
}
