import { ClientError, openDocument, type Crdt, type SecsyncDocument } from 'fastify-secsync/client'
import { yjs } from 'fastify-secsync/client/yjs'
import { documentPath, mayWrite, Refused, request } from '../api.ts'
import { fromBase64 } from '../crypto/base64.ts'
import { MissingKey } from '../crypto/keyring.ts'
import { withSession, type Session } from '../session.ts'
import { endpoint } from './endpoint.ts'
import { noteFrame } from './frames.ts'
import type { OpenDocument } from './open-document.ts'
import { isPresenceState } from './presence.ts'
import { storage } from './storage.ts'

/** Keeps a document the same as everybody else's. */
export function connect (open: OpenDocument): SecsyncDocument {
  return openDocument({
    url: endpoint,
    documentId: open.id,
    crdt: ofWriters(yjs(open.doc, { awareness: open.presence, isValidState: isPresenceState }), open),
    storage,
    sessionKey: () => withSession((session) => admit(open, session)).catch((error: unknown) => { throw reasonOf(error) }),
    getKey: async (snapshot) => {
      const keyId = keyIdIn(snapshot?.additionalPublicData)
      // One that was made a moment ago.
      if (keyId !== undefined && !open.keyring.has(keyId)) await open.refreshKeys().catch(() => {})
      return open.keyring.open(keyId)
    },
    getNewSnapshotData: async () => {
      await open.refreshKeys()
      const { newest, newestId } = open.keyring
      return { key: fromBase64(newest.get()), publicData: { keyId: newestId } }
    },
    // Who has the document's key and is let in by the server may write.
    isValidClient: () => true,
    isValidPublicData: (kind, { keyId, ...others }) => {
      return Object.keys(others).length === 0 && (keyId === undefined || (kind === 'snapshot' && typeof keyId === 'string'))
    },
    onFrame: noteFrame
  })
}

/** Names the key of a snapshot: what this app adds to its public data. */
export function keyIdIn (publicData: Record<string, unknown> | undefined): string | undefined {
  const keyId = publicData?.keyId
  return typeof keyId === 'string' ? keyId : undefined
}

/** Before every connect. */
async function admit (open: OpenDocument, session: Session): Promise<string> {
  if (!open.record.registered) await request('PUT', documentPath(open.id), session.sessionKey)
  try {
    await open.enter(session)
  } catch (error) {
    // Who is no member hears so on the connection, or becomes one by it where a document is open to everyone with its link.
    if (!(error instanceof Refused && error.status === 404)) throw error
  }
  return session.sessionKey
}

/** No network is what the client takes any other error for. */
function reasonOf (cause: unknown): unknown {
  if (cause instanceof Refused) return new ClientError('SECSYNC_SERVER_ERROR', cause.message, { cause })
  if (cause instanceof MissingKey) return new ClientError('SECSYNC_CALLBACK_FAILED', 'The newest key of the document is not here', { cause })
  return cause
}

/** Changes count while this person may write. The editor repairs what it cannot show, and what a viewer's repairs stays with the viewer. */
function ofWriters (crdt: Crdt, { role, comments }: OpenDocument): Crdt {
  return {
    ...crdt,
    restore: (content) => comments.keepDuring(() => crdt.restore?.(content)),
    changesSince: (contents) => mayWrite(role.get()) ? crdt.changesSince(contents) : [],
    subscribe (listener) {
      const held: Uint8Array[] = []
      const flush = () => { if (mayWrite(role.get())) for (const change of held.splice(0)) listener(change) }
      const ends = [role.subscribe(flush), crdt.subscribe((change) => {
        held.push(change)
        flush()
      })]
      return () => { for (const end of ends) end() }
    }
  }
}
