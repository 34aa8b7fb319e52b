import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { onlyMembers } from '../access.ts'
import { SessionUnknown } from '../sessions.ts'
import { AuthorParams } from './schemas.ts'

const OtherAuthor = createError('APP_OTHER_AUTHOR', 'This public key is of somebody else', 409)

/** Pages of one member that are remembered for a document. */
const most = 20

/** Whose page signs with which key. The first who says so before anybody has seen the key is its owner: nobody else can sign with it. */
const authors: FastifyPluginAsyncTypebox = async (app) => {
  app.put('/documents/:id/authors/:publicKey', {
    preHandler: onlyMembers,
    schema: { params: AuthorParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, publicKey }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    const { rows: [row] } = await app.db.query<{ memberId: string }>(
      `INSERT INTO app_author (document_id, public_key, member_id) VALUES ($1, $2, $3)
       ON CONFLICT (document_id, public_key) DO UPDATE SET created_at = CASE WHEN app_author.member_id = $3 THEN now() ELSE app_author.created_at END
       RETURNING member_id AS "memberId"`, [id, publicKey, member.id])
    if (row?.memberId !== member.id) throw new OtherAuthor()
    await app.db.query(
      `DELETE FROM app_author WHERE document_id = $1 AND member_id = $2 AND public_key NOT IN (
         SELECT public_key FROM app_author WHERE document_id = $1 AND member_id = $2 ORDER BY created_at DESC LIMIT ${most})`, [id, member.id])
    return await reply.code(204).send(null)
  })
}

export default authors
