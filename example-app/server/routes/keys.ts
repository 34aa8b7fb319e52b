import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { maxMembers, onlyMembers, onlyOwner } from '../access.ts'
import { SessionUnknown } from '../sessions.ts'
import { DocumentParams } from './schemas.ts'

const KeyExists = createError('APP_KEY_EXISTS', 'This key was handed out already', 409)

// Base64. A public key and a voucher have 32 bytes.
const Bytes32 = Type.String({ pattern: '^[\\w-]{43}$' })
const Text = Type.String({ minLength: 1, maxLength: 1024, pattern: '^[\\w-]+$' })

const Device = Type.Object({ memberId: Type.String(), publicKey: Type.String(), voucher: Type.String() })
const Key = Type.Object({ keyId: Type.String(), box: Type.Optional(Type.String()) })

/**
 * How a new document key reaches the members who stay when one is removed: the owner's client seals it for the device of each, and this
 * is where the boxes wait. The server sees public keys and sealed boxes, and cannot open one.
 */
const keys: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/documents/:id/keys', {
    preHandler: onlyMembers,
    schema: {
      params: DocumentParams,
      response: { 200: Type.Object({ devices: Type.Array(Device), rotations: Type.Array(Key) }) }
    }
  }, async ({ params: { id }, member }) => {
    const [devices, rotations] = await Promise.all([
      app.db.query<{ memberId: string, publicKey: string, voucher: string }>(
        `SELECT member_id AS "memberId", public_key AS "publicKey", voucher FROM app_device JOIN app_membership USING (document_id, member_id)
         WHERE document_id = $1 AND role <> 'removed'`, [id]),
      app.db.query<{ keyId: string, box: string | null }>(
        `SELECT app_key.key_id AS "keyId", box FROM app_key
         LEFT JOIN app_key_box ON app_key_box.document_id = $1 AND app_key_box.key_id = app_key.key_id AND member_id = $2
         WHERE app_key.document_id = $1 ORDER BY number`, [id, member?.id])
    ])
    return { devices: devices.rows, rotations: rotations.rows.map(({ keyId, box }) => box === null ? { keyId } : { keyId, box }) }
  })

  app.put('/documents/:id/keys/device', {
    preHandler: onlyMembers,
    schema: { params: DocumentParams, body: Type.Object({ publicKey: Bytes32, voucher: Bytes32 }), response: { 204: Type.Null() } }
  }, async ({ params: { id }, body: { publicKey, voucher }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    await app.db.query(
      `INSERT INTO app_device (document_id, member_id, public_key, voucher) VALUES ($1, $2, $3, $4)
       ON CONFLICT (document_id, member_id) DO UPDATE SET public_key = $3, voucher = $4`, [id, member.id, publicKey, voucher])
    return await reply.code(204).send(null)
  })

  app.post('/documents/:id/keys', {
    preHandler: onlyOwner,
    schema: {
      params: DocumentParams,
      body: Type.Object({ keyId: Text, boxes: Type.Array(Type.Object({ memberId: Text, box: Text }), { maxItems: 2 * maxMembers }) }),
      response: { 204: Type.Null() }
    }
  }, async ({ params: { id }, body: { keyId, boxes } }, reply) => {
    // One statement: a key without its boxes would lock everybody out. There are boxes for members and for nobody else.
    const { rowCount } = await app.db.query(
      `WITH made AS (
         INSERT INTO app_key (document_id, key_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING document_id, key_id
       ), boxed AS (
         INSERT INTO app_key_box (document_id, key_id, member_id, box)
         SELECT document_id, key_id, member_id, box FROM made JOIN app_membership USING (document_id) JOIN unnest($3::text[], $4::text[]) AS given (member_id, box) USING (member_id)
         WHERE role <> 'removed'
         ON CONFLICT DO NOTHING
       )
       SELECT FROM made`, [id, keyId, boxes.map(({ memberId }) => memberId), boxes.map(({ box }) => box)])
    if (rowCount === 0) throw new KeyExists()
    return await reply.code(204).send(null)
  })
}

export default keys
