import type { FastifyRequest } from 'fastify'
import { Type, TypeCompiler } from '../protocol/typebox.ts'
import type { CreateSnapshot, CreateUpdate, GetDocument, GetDocumentResult } from '../callbacks.ts'
import { CallbackResultInvalid, SecsyncSnapshotBasedOnOutdatedSnapshotError, SecsyncSnapshotMissesUpdatesError, SnapshotProofInvalid } from '../errors.ts'
import { signedJson, updateChange, type SnapshotChange, type UpdateChange } from '../protocol/changes.ts'
import { sameClocks } from '../protocol/clocks.ts'
import { advance, continuing, lastClock, type Cursor } from '../protocol/cursor.ts'
import { StoredSnapshot, StoredUpdate, type Snapshot } from '../protocol/messages.ts'
import type { SnapshotProofChainEntry } from '../protocol/chain.ts'
import { hash, noParent, parentSnapshotProof } from '../protocol/proof.ts'
import { faultOfChain } from './proof-chain.ts'
import type { Known, LoadedDocument, Store } from './store.ts'

const resultCheck = TypeCompiler.Compile(Type.Object({
  snapshot: Type.Optional(Type.Union([StoredSnapshot, Type.Null(), Type.Undefined()])),
  snapshotProofChain: Type.Optional(Type.Union([Type.Array(Type.Object({
    snapshotId: Type.String(), parentSnapshotProof: Type.String(), snapshotCiphertextHash: Type.String()
  })), Type.Null(), Type.Undefined()])),
  updates: Type.Array(StoredUpdate)
}))

interface Callbacks {
  getDocument: GetDocument
  createSnapshot: CreateSnapshot
  createUpdate: CreateUpdate
}

/** An answer of a callback that cannot be right. */
export interface WrongAnswer {
  documentId: string
  fault: string
}

/** The user's three callbacks as a store. Their results are checked, because a client fails permanently on an invalid document. */
export class CallbackStore implements Store {
  readonly groupsUpdates = false
  readonly sharesLoads = false
  readonly #callbacks: Callbacks

  readonly #onWrongAnswer: ((answer: WrongAnswer) => void) | undefined
  /** What was reported: each fault once. */
  readonly #reported = new Set<string>()

  constructor (callbacks: Callbacks, onWrongAnswer?: (answer: WrongAnswer) => void) {
    this.#callbacks = callbacks
    this.#onWrongAnswer = onWrongAnswer
  }

  async load (documentId: string, known: Known, request?: FastifyRequest): Promise<LoadedDocument | undefined> {
    const result = await this.#callbacks.getDocument({ documentId, ...known, request })
    if (result === undefined || result === null) return undefined
    checkResult(result, documentId)
    this.#checkChain(result, documentId, known)
    return missing(result, known)
  }

  /** A wrong chain is no error: a client that does not know the snapshots in it opens the document. */
  #checkChain ({ snapshot, snapshotProofChain }: GetDocumentResult, documentId: string, { knownSnapshotId }: Known): void {
    if (!snapshot || knownSnapshotId === undefined || knownSnapshotId === snapshot.publicData.snapshotId) return
    const fault = faultOfChain(snapshot, snapshotProofChain)
    if (fault === undefined || this.#reported.has(fault)) return
    this.#reported.add(fault)
    this.#onWrongAnswer?.({ documentId, fault: `getDocument: snapshotProofChain ${fault}` })
  }

  async saveUpdates (_documentId: string, updates: UpdateChange[], request?: FastifyRequest): Promise<undefined> {
    for (const { message, snapshotId, clock } of updates) {
      const { publicData } = await this.#callbacks.createUpdate({ update: message, request }) ?? {}
      if (publicData?.refSnapshotId !== snapshotId || publicData.clock !== clock) {
        throw new CallbackResultInvalid('createUpdate', 'returned another update than it was given')
      }
    }
  }

  async saveSnapshot (documentId: string, snapshot: SnapshotChange, request?: FastifyRequest): Promise<undefined> {
    const { message, snapshotId, parentSnapshotId, parentClocks } = snapshot
    const document = await this.#callbacks.getDocument({ documentId, mode: 'complete', request })
    if (document) checkResult(document, documentId)
    const active = document?.snapshot
    if ((active?.publicData.snapshotId ?? '') !== parentSnapshotId) {
      throw new SecsyncSnapshotBasedOnOutdatedSnapshotError('The parent is not the active snapshot')
    }
    if (document && !sameClocks(parentClocks, missing(document, { mode: 'complete' }).cursor.clocks)) {
      throw new SecsyncSnapshotMissesUpdatesError('The clocks are not those of the active snapshot')
    }
    const parent = active
      ? {
          snapshotId: parentSnapshotId,
          parentSnapshotProof: active.publicData.parentSnapshotProof,
          snapshotCiphertextHash: hash(active.ciphertext)
        }
      : noParent
    if (message.publicData.parentSnapshotProof !== parentSnapshotProof(parent)) throw new SnapshotProofInvalid()

    const { publicData } = await this.#callbacks.createSnapshot({ snapshot: message, request }) ?? {}
    if (publicData?.snapshotId !== snapshotId) {
      throw new CallbackResultInvalid('createSnapshot', 'returned another snapshot than it was given')
    }
  }
}

function checkResult (result: GetDocumentResult, documentId: string): void {
  if (!resultCheck.Check(result)) {
    const { path, message } = resultCheck.Errors(result).First()!
    throw new CallbackResultInvalid('getDocument', `returned an invalid document: ${path} ${message}`)
  }
  const { snapshot, updates } = result
  if ([...snapshot ? [snapshot] : [], ...updates].some(({ publicData }) => publicData.docId !== documentId)) {
    throw new CallbackResultInvalid('getDocument', 'returned a part of another document')
  }
}

/** Removes what the client knows already: a simple `getDocument` returns the whole document for every request. */
function missing ({ snapshot, snapshotProofChain, updates }: GetDocumentResult, known: Known): LoadedDocument {
  // Only a delta request may rely on the client's claim.
  const knownSnapshotId = known.mode === 'delta' ? known.knownSnapshotId : undefined
  const snapshotId = snapshot?.publicData.snapshotId ?? knownSnapshotId ?? ''
  const continues = knownSnapshotId === snapshotId
  const cursor: Cursor = { snapshotId, clocks: continues ? { ...known.knownSnapshotUpdateClocks } : {} }
  const changes = updates.map(updateChange).filter(({ author, clock }) => clock > lastClock(cursor, author))
  if (continuing(changes, cursor).length < changes.length) {
    throw new CallbackResultInvalid('getDocument', 'returned updates with a gap or of another snapshot')
  }
  for (const change of changes) advance(cursor, change)
  return {
    snapshot: snapshot && !continues ? signedJson(snapshot) : undefined,
    snapshotProofChain: snapshot && !continues ? JSON.stringify(snapshotProofChain?.length ? snapshotProofChain : shortestChain(snapshot, known)) : undefined,
    updates: changes.map(({ text }) => text).join(),
    cursor,
    claimed: continues
  }
}

/**
 * The proof chain from the known snapshot to its child. Without a chain, the published client fails for good if the child contains updates of
 * its own that it did not know to be saved. The chain to a later snapshot only the store can give.
 */
function shortestChain (snapshot: Snapshot, { knownSnapshotId }: Known): SnapshotProofChainEntry[] {
  const { snapshotId, parentSnapshotId, parentSnapshotProof } = snapshot.publicData
  if (parentSnapshotId === '' || parentSnapshotId !== knownSnapshotId) return []
  return [{ snapshotId, parentSnapshotProof, snapshotCiphertextHash: hash(snapshot.ciphertext) }]
}
