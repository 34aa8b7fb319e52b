// The HTTP routes of the history, as JSON schemas: they check requests, and `@fastify/swagger` shows them.
import { Type, type Static } from '../protocol/typebox.ts'
import { HistoryPage, maxPage } from './schemas.ts'

const documentId = Type.String({ minLength: 1, description: 'Percent-encoded: a slash in it is %2F' })
const sessionKey = Type.Optional(Type.String({ description: 'As in the URL of the WebSocket' }))

export const HistoryParams = Type.Object({ documentId })
export type HistoryParams = Static<typeof HistoryParams>

export const SnapshotParams = Type.Object({ documentId, snapshotId: Type.String({ minLength: 1 }) })
export type SnapshotParams = Static<typeof SnapshotParams>

// Not only these: another parameter may be that of a hook.
export const HistoryQuerystring = Type.Object({
  sessionKey,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxPage, default: 100 })),
  before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: '`before` of the page before' }))
})
export type HistoryQuerystring = Static<typeof HistoryQuerystring>

export const SnapshotQuerystring = Type.Object({ sessionKey })

const EncryptedSnapshot = Type.Object({
  ciphertext: Type.String(),
  nonce: Type.String(),
  publicData: Type.Object({
    docId: Type.String(),
    pubKey: Type.String({ description: 'The author' }),
    snapshotId: Type.String(),
    parentSnapshotId: Type.String(),
    parentSnapshotProof: Type.String(),
    parentSnapshotUpdateClocks: Type.Record(Type.String(), Type.Integer({ minimum: 0 }))
  }, { additionalProperties: true, description: 'With the additional public data of the application' }),
  signature: Type.String()
}, { description: 'The snapshot as its author has sent it. It never changes' })

const Problem = (description: string) => Type.Object({
  statusCode: Type.Integer(),
  code: Type.String(),
  error: Type.String(),
  message: Type.String()
}, { description })

const problems = {
  400: Problem('The URL is invalid'),
  401: Problem('No session key. Hooks of the application may answer with it, too'),
  403: Problem('hasAccess does not allow this session to read the document'),
  503: Problem('Access or the history could not be checked or read now, or too many snapshots are being sent. Try again later')
}
const schema = { tags: ['secsync'] }

export const historySchema = {
  ...schema,
  summary: 'The snapshots of a document, the newest first',
  params: HistoryParams,
  querystring: HistoryQuerystring,
  response: { 200: HistoryPage, ...problems, 404: Problem('No such document') }
}

export const snapshotSchema = {
  ...schema,
  summary: 'An encrypted snapshot of a document',
  params: SnapshotParams,
  querystring: SnapshotQuerystring,
  response: {
    200: EncryptedSnapshot,
    304: Type.Null({ description: 'If-None-Match has its ETag' }),
    ...problems,
    404: Problem('No such snapshot, or its data was removed')
  }
}
