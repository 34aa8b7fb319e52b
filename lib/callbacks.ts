import type { FastifyRequest } from 'fastify'
import type { UpdateClocks } from './protocol/clocks.ts'
import type { Snapshot, SnapshotMessage, Update } from './protocol/messages.ts'
import type { SnapshotProofChainEntry } from './protocol/proof.ts'

/**
 * The five callbacks have the names, arguments and results of `secsync-server`. Ours add `request`: the FastifyRequest of the
 * connection's handshake. It is absent when a node brings itself up to date, not for any connection in particular.
 */
type MaybePromise<T> = T | Promise<T>

export type GetDocument = (params: GetDocumentParams) => MaybePromise<GetDocumentResult | undefined | null>

export interface GetDocumentParams {
  documentId: string
  knownSnapshotId?: string | undefined
  knownSnapshotUpdateClocks?: UpdateClocks | undefined
  mode: 'complete' | 'delta'
  request?: FastifyRequest | undefined
}

export interface GetDocumentResult {
  snapshot?: Snapshot | null | undefined
  snapshotProofChain?: SnapshotProofChainEntry[] | null | undefined
  updates: Update[]
}

export type CreateSnapshot = (params: { snapshot: SnapshotMessage, request?: FastifyRequest | undefined }) => MaybePromise<Snapshot>

export type CreateUpdate = (params: { update: Update, request?: FastifyRequest | undefined }) => MaybePromise<Update>

export type HasAccess = (params: HasAccessParams) => MaybePromise<boolean>

export type HasAccessParams = {
  documentId: string
  websocketSessionKey: string | undefined
  request: FastifyRequest
} & ({
  action: 'read'
} | {
  action: 'write-snapshot' | 'write-update' | 'send-ephemeral-message'
  /** The author's, verified: the message carries a valid signature of it. */
  publicKey: string
})

export type Action = HasAccessParams['action']

export type HasBroadcastAccess = (params: HasBroadcastAccessParams) => MaybePromise<boolean[]>

export interface HasBroadcastAccessParams {
  documentId: string
  /** Of the connections of which it has to be known, the sender's included; a key may occur several times. */
  websocketSessionKeys: string[]
  /** The handshakes of these connections, by the same index. */
  requests: FastifyRequest[]
  /** The sender's; absent for what comes from another node. */
  request?: FastifyRequest | undefined
}
