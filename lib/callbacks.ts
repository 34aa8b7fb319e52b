import type { FastifyRequest } from 'fastify'
import type { UpdateClocks } from './protocol/clocks.ts'
import type { AdditionalAuthenticationDataValidations, NoValidations, Snapshot, SnapshotMessage, Update } from './protocol/messages.ts'
import type { SnapshotProofChainEntry } from './protocol/proof.ts'

/**
 * The five callbacks have the names, arguments and results of `secsync-server`. `request` is an addition: the handshake request of the
 * connection. It is `undefined` if a node loads a document for itself instead of a connection.
 */
type MaybePromise<T> = T | Promise<T>

export type GetDocument<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  (params: GetDocumentParams) => MaybePromise<GetDocumentResult<A> | undefined | null>

export interface GetDocumentParams {
  documentId: string
  knownSnapshotId?: string | undefined
  knownSnapshotUpdateClocks?: UpdateClocks | undefined
  mode: 'complete' | 'delta'
  request?: FastifyRequest | undefined
}

export interface GetDocumentResult<A extends AdditionalAuthenticationDataValidations = NoValidations> {
  snapshot?: Snapshot<A> | null | undefined
  snapshotProofChain?: SnapshotProofChainEntry[] | null | undefined
  updates: Array<Update<A>>
}

export type CreateSnapshot<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  (params: { snapshot: SnapshotMessage<A>, request?: FastifyRequest | undefined }) => MaybePromise<Snapshot<A>>

export type CreateUpdate<A extends AdditionalAuthenticationDataValidations = NoValidations> =
  (params: { update: Update<A>, request?: FastifyRequest | undefined }) => MaybePromise<Update<A>>

export type HasAccess = (params: HasAccessParams) => MaybePromise<boolean>

export type HasAccessParams = {
  documentId: string
  websocketSessionKey: string | undefined
  request: FastifyRequest
} & ({
  action: 'read'
} | {
  action: 'write-snapshot' | 'write-update' | 'send-ephemeral-message'
  /** The public key of the author. The signature of the message has been verified with it. */
  publicKey: string
})

/** Decides whether there is room for a snapshot or an update. It is called before each of them, so answer from memory where you can. */
export type HasQuota = (params: HasQuotaParams) => MaybePromise<boolean>

export interface HasQuotaParams {
  action: 'write-snapshot' | 'write-update'
  documentId: string
  /** Bytes of the message. */
  bytes: number
  /** Bytes that are stored of the document, and those that a reader loads. `undefined` if the store does not count. */
  keptBytes: number | undefined
  liveBytes: number | undefined
  publicKey: string
  websocketSessionKey: string
  request: FastifyRequest
}

export type Action = HasAccessParams['action']

export type HasBroadcastAccess = (params: HasBroadcastAccessParams) => MaybePromise<boolean[]>

export interface HasBroadcastAccessParams {
  documentId: string
  /** The session keys of the connections to check, including the sender's. A key may occur several times. */
  websocketSessionKeys: string[]
  /** The handshake requests of these connections, with the same indexes. */
  requests: FastifyRequest[]
  /** The handshake request of the sender. `undefined` for a message of another node. */
  request?: FastifyRequest | undefined
}
