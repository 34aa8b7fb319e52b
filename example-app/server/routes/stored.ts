import { Type, type Static, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { onlyMembers } from '../access.ts'
import { DocumentParams } from './schemas.ts'

const Snapshot = Type.Object({
  snapshotId: Type.String(),
  version: Type.Integer(),
  bytes: Type.Integer(),
  createdAt: Type.String({ format: 'date-time' }),
  publicData: Type.Record(Type.String(), Type.Unknown())
})

const Update = Type.Object({
  pubKey: Type.String(),
  clock: Type.Integer(),
  bytes: Type.Integer(),
  /** Its beginning, of the latest ones. */
  ciphertext: Type.Optional(Type.String())
})

const Totals = Type.Object({ bytes: Type.Integer(), snapshots: Type.Integer(), updates: Type.Integer() })
/** Encrypted files, such as images. */
const StoredFiles = Type.Object({ files: Type.Integer(), bytes: Type.Integer() })

/**
 * What the server has of a document, read from the tables of the plugin: all of it, but for the length of long ciphertexts. In SQL, since the
 * client would read whole ciphertexts to tell their length.
 */
const stored: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/documents/:id/stored', {
    preHandler: onlyMembers,
    schema: {
      params: DocumentParams,
      response: {
        200: Type.Object({ snapshots: Type.Array(Snapshot), updates: Type.Array(Update), totals: Totals, files: StoredFiles })
      }
    }
  }, async ({ params: { id } }) => {
    const [snapshots, updates, [totals], files] = await Promise.all([
      app.prisma.$queryRaw<Array<Static<typeof Snapshot>>>`
         SELECT * FROM (
           SELECT id AS "snapshotId", version::int, octet_length(data) AS bytes, to_json(created_at) #>> '{}' AS "createdAt", data::json -> 'publicData' AS "publicData"
           FROM secsync_snapshot WHERE document_id = ${id} ORDER BY version DESC LIMIT 50
         ) latest ORDER BY version`,
      app.prisma.$queryRaw<Array<Static<typeof Update>>>`
         SELECT * FROM (
           SELECT author AS "pubKey", clock::int, octet_length(data) AS bytes, secsync_update.version,
             CASE WHEN row_number() OVER (ORDER BY secsync_update.version DESC) <= 20 THEN left(data::json ->> 'ciphertext', 1000) END AS ciphertext
           FROM secsync_document JOIN secsync_update ON document_id = id AND snapshot_id = active_snapshot_id
           WHERE id = ${id} ORDER BY secsync_update.version DESC LIMIT 1000
         ) latest ORDER BY version`,
      app.prisma.$queryRaw<Array<Static<typeof Totals>>>`
         SELECT sum(snapshots)::int AS snapshots, sum(updates)::int AS updates, coalesce(sum(bytes), 0)::float8 AS bytes FROM (
           SELECT count(*) AS snapshots, 0 AS updates, sum(octet_length(data)) AS bytes FROM secsync_snapshot WHERE document_id = ${id}
           UNION ALL SELECT 0, count(*), sum(octet_length(data)) FROM secsync_update WHERE document_id = ${id}
         ) counted`,
      app.prisma.appFile.aggregate({ where: { documentId: id }, _count: true, _sum: { bytes: true } })
    ])
    return { snapshots, updates, files: { files: files._count, bytes: files._sum.bytes ?? 0 }, totals: totals ?? { bytes: 0, snapshots: 0, updates: 0 } }
  })
}

export default stored
