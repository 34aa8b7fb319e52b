import { Type, type Static } from '@sinclair/typebox'
import { Clock } from './clocks.ts'
import { EphemeralMessage, Snapshot, Update } from './messages.ts'

// Every message that a server sends. The builders below write them as JSON, with stored messages as they are. Where a message may
// be big they give its parts: to join them would copy it once more.

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
    updates: Type.Optional(Type.Array(Update))
  }),
  Type.Composite([Type.Object({ type: Type.Literal('update') }), Update]),
  Type.Object({ type: Type.Literal('update-saved'), snapshotId: Type.String(), clock: Clock }),
  Type.Object({
    type: Type.Literal('update-save-failed'),
    // Of a malformed update there may be neither to name.
    snapshotId: Type.Optional(Type.String()),
    clock: Type.Optional(Clock),
    requiresNewSnapshot: Type.Boolean()
  }),
  Type.Composite([Type.Object({ type: Type.Literal('ephemeral-message') }), EphemeralMessage]),
  // Only to a client that asked for it: the published one takes it for a message of the application.
  Type.Object({ type: Type.Literal('heartbeat'), interval: Type.Integer() })
])
export type ServerMessage = Static<typeof ServerMessage>

/** The parts of a document as JSON: the active snapshot, the proof chain (an array), the updates (separated by commas). */
export interface DocumentText {
  snapshot?: string | undefined
  snapshotProofChain?: string | undefined
  updates: string
}

export const documentNotFound = '{"type":"document-not-found"}'
export const documentError = '{"type":"document-error"}'
export const unauthorized = '{"type":"unauthorized"}'

/**
 * A new document has neither snapshot nor `updates`: for an empty list of updates without a snapshot the client would ask the
 * application for the key of no snapshot, and call its `onDocumentUpdated` with none.
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

/** With what the author is missing, when that is why. */
export function snapshotSaveFailed (missing?: DocumentText): string[] {
  return ['{"type":"snapshot-save-failed"', ...missing ? parts(missing) : [], '}']
}

export function update (text: string): string {
  return `{"type":"update",${text.slice(1)}`
}

export function updateSaved (snapshotId: string, clock: number): string {
  return JSON.stringify({ type: 'update-saved', snapshotId, clock })
}

export function updateSaveFailed (snapshotId: unknown, clock: unknown, requiresNewSnapshot = false): string {
  return JSON.stringify({
    type: 'update-save-failed',
    snapshotId: typeof snapshotId === 'string' ? snapshotId : undefined,
    clock: typeof clock === 'number' ? clock : undefined,
    requiresNewSnapshot
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
