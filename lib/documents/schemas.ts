// The shapes of `fastify.secsync.documents`, for TypeScript and as JSON schemas.
import { Type, type Static } from '../protocol/typebox.ts'

const Time = Type.String({ format: 'date-time', description: 'ISO 8601, UTC' })
const Count = Type.Integer({ minimum: 0 })

export const DocumentUsage = Type.Object({
  snapshots: Type.Integer({ minimum: 0, description: 'Snapshots that can be read: the active one and the kept ones' }),
  updates: Type.Integer({ minimum: 0, description: 'Stored updates, those of former snapshots included' }),
  liveBytes: Type.Integer({ minimum: 0, description: 'Bytes that a reader loads: the active snapshot and its updates' }),
  keptBytes: Type.Integer({ minimum: 0, description: 'Bytes of all stored snapshots and updates' })
})
/** Bytes are those of the messages as JSON, without what the database adds to each row. */
export type DocumentUsage = Static<typeof DocumentUsage>

export const DocumentInfo = Type.Object({
  documentId: Type.String(),
  createdAt: Time,
  changedAt: Type.String({ format: 'date-time', description: 'Time of the last change, up to one minute too early' }),
  version: Type.Integer({ minimum: 1, description: 'Number of snapshots and updates that were ever saved' }),
  activeSnapshotId: Type.String(),
  authors: Type.Integer({ minimum: 0, description: 'Authors with updates on the active snapshot' }),
  usage: Type.Optional(DocumentUsage)
})
/** `usage` is absent in a list if the document was last written by version 0.1 and not counted since. */
export type DocumentInfo = Static<typeof DocumentInfo>

export const maxPage = 1000

export const ListQuery = Type.Object({
  prefix: Type.Optional(Type.String({ description: 'Only documents whose id begins with it' })),
  orderBy: Type.Optional(Type.Union([Type.Literal('documentId'), Type.Literal('changedAt')], { default: 'documentId' })),
  descending: Type.Optional(Type.Boolean({ default: false })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxPage, default: 100 })),
  cursor: Type.Optional(Type.String({ description: '`cursor` of the page before, from the same query' }))
}, { additionalProperties: false })
/**
 * `documentId` orders by code points. `changedAt` with `descending` gives the last changed documents first. A document that changes while the pages
 * are read moves, and can be on two pages or on none.
 */
export type ListQuery = Static<typeof ListQuery>

export const DocumentPage = Type.Object({
  documents: Type.Array(DocumentInfo),
  cursor: Type.Optional(Type.String({ description: 'Absent on the last page' }))
})
export type DocumentPage = Static<typeof DocumentPage>

export const UsageQuery = Type.Object({
  prefix: Type.Optional(Type.String({ description: 'Only documents whose id begins with it' }))
}, { additionalProperties: false })
export type UsageQuery = Static<typeof UsageQuery>

export const Usage = Type.Object({
  documents: Count,
  ...DocumentUsage.properties,
  uncounted: Type.Integer({ minimum: 0, description: 'Documents that the other numbers leave out, because they were last written by version 0.1' }),
  deleted: Type.Object({ documents: Count, bytes: Count }, { description: 'Deleted documents whose data was not removed yet' })
})
export type Usage = Static<typeof Usage>

export const HistoryQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: maxPage, default: 100 })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: '`before` of the page before' }))
}, { additionalProperties: false })
export type HistoryQuery = Static<typeof HistoryQuery>

export const Version = Type.Object({
  snapshotId: Type.String(),
  version: Type.Integer({ minimum: 1, description: 'Number of snapshots and updates of the document up to this one' }),
  createdAt: Time,
  publicKey: Type.Optional(Type.String({ description: 'The author. Absent if it is not known any more' })),
  bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'Size of the snapshot as JSON. Absent if it is not known any more' })),
  isActive: Type.Boolean(),
  parentSnapshotProof: Type.String({ description: 'With the hash and the id, an entry of a proof chain: the snapshots lead to each other' }),
  snapshotCiphertextHash: Type.String(),
  isKept: Type.Boolean({ description: 'Whether the snapshot can be read. Its data may have been removed by retention' })
})
export type Version = Static<typeof Version>

export const HistoryPage = Type.Object({
  snapshots: Type.Array(Version),
  before: Type.Optional(Type.Integer({ description: 'For the next page. Absent on the last one' }))
})
/** The newest snapshot comes first. */
export type HistoryPage = Static<typeof HistoryPage>

export const DeleteOptions = Type.Object({
  restorableFor: Type.Optional(Type.Number({ minimum: 0, maximum: 1e13, default: 0, description: 'Milliseconds during which the document can be restored' }))
}, { additionalProperties: false })
export type DeleteOptions = Static<typeof DeleteOptions>

export { Retention } from '../stores/prune.ts'

export const Pruned = Type.Object({
  snapshots: Type.Integer({ minimum: 0, description: 'Snapshots that lost their text' }),
  updates: Type.Integer({ minimum: 0, description: 'Updates that were removed' })
})
export type Pruned = Static<typeof Pruned>

export const Receipt = Type.Object({
  documentId: Type.String(),
  deletedAt: Time,
  restorableUntil: Type.Optional(Type.String({ format: 'date-time', description: 'Absent if the document cannot be restored' })),
  purgedAt: Type.Optional(Type.String({ format: 'date-time', description: 'Time when the last row was removed. Absent until then' })),
  version: Type.Integer({ description: 'Number of snapshots and updates that were ever saved' }),
  activeSnapshotId: Type.String({ description: 'The last snapshot of the chain' }),
  chainProof: Type.String({ description: 'The parentSnapshotProof that the next snapshot would have had. It proves the whole chain of snapshots' }),
  snapshots: Count,
  updates: Count,
  bytes: Type.Integer({ minimum: 0, description: 'Bytes of the snapshots and updates that were stored' })
})
/** What was deleted, and when. It stays in the database. */
export type Receipt = Static<typeof Receipt>
