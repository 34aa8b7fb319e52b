import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NotAMember, onlyMembers, onlyOwner, OwnersStay, type Role } from '../access.ts'
import { SessionUnknown } from '../sessions.ts'
import { DocumentParams, RoleSchema } from './schemas.ts'

const documents: FastifyPluginAsyncTypebox = async (app) => {
  /** A document for its owner and those they invite. The other kind comes into being when somebody connects: `Members.open`. */
  app.put('/documents/:id', {
    schema: { params: DocumentParams, response: { 200: Type.Object({ role: RoleSchema }) } }
  }, async ({ params: { id }, member }) => {
    if (member === null) throw new SessionUnknown()
    await app.members.create(member.id, id, 'invited')
    const role = await app.members.roleOf(member.id, id)
    if (role === undefined) throw new NotAMember()
    return { role }
  })

  app.get('/documents/:id', {
    preHandler: onlyMembers,
    schema: {
      params: DocumentParams,
      response: {
        200: Type.Object({
          role: RoleSchema,
          access: Type.Union([Type.Literal('link'), Type.Literal('invited')]),
          members: Type.Array(Type.Object({ memberId: Type.String(), name: Type.String(), role: RoleSchema, publicKeys: Type.Array(Type.String()) }))
        })
      }
    }
  }, async ({ params: { id }, role }) => {
    const { rows } = await app.db.query<{ access: 'link' | 'invited', memberId: string, name: string, role: Role, publicKeys: string[] }>(
      `SELECT access, member_id AS "memberId", name, role,
         ARRAY(SELECT public_key FROM app_author WHERE app_author.document_id = id AND app_author.member_id = app_membership.member_id) AS "publicKeys"
       FROM app_document JOIN app_membership ON document_id = id JOIN app_session USING (member_id)
       WHERE id = $1 AND role <> 'removed' ORDER BY app_membership.created_at`, [id])
    const [first] = rows
    if (first === undefined || role === null) throw new NotAMember()
    return { role, access: first.access, members: rows.map(({ memberId, name, role, publicKeys }) => ({ memberId, name, role, publicKeys })) }
  })

  app.get('/documents/:id/usage', {
    preHandler: onlyMembers,
    schema: { params: DocumentParams, response: { 200: Type.Object({ keptBytes: Type.Integer() }) } }
  }, async ({ params: { id } }) => ({ keptBytes: (await app.secsync.documents.get(id))?.usage?.keptBytes ?? 0 }))

  /** For everybody and for good. Whoever has it open is told. */
  app.delete('/documents/:id', {
    preHandler: onlyOwner,
    schema: { params: DocumentParams, response: { 204: Type.Null() } }
  }, async ({ params: { id } }, reply) => {
    await app.secsync.documents.delete(id)
    const { rows } = await app.db.query<{ memberId: string }>(
      `WITH ended AS (DELETE FROM app_invitation WHERE document_id = $1)
       UPDATE app_membership SET role = 'removed' WHERE document_id = $1 RETURNING member_id AS "memberId"`, [id])
    for (const { memberId } of rows) app.members.forget(memberId, id)
    // A document that nobody has written yet is not known to the plugin.
    app.secsync.disconnect({ documentId: id })
    return await reply.code(204).send(null)
  })

  /** A member leaves. They can come back by an invitation, or by the link of a document that is open to everybody who has it. */
  app.delete('/documents/:id/membership', {
    preHandler: onlyMembers,
    schema: { params: DocumentParams, response: { 204: Type.Null() } }
  }, async ({ params: { id }, role, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    if (role === 'owner') throw new OwnersStay()
    const { rows: [left] } = await app.db.query<{ sessionKey: string }>(
      `WITH authors AS (DELETE FROM app_author WHERE document_id = $1 AND member_id = $2),
         devices AS (DELETE FROM app_device WHERE document_id = $1 AND member_id = $2),
         left_now AS (DELETE FROM app_membership WHERE document_id = $1 AND member_id = $2 AND role IN ('editor', 'viewer') RETURNING member_id)
       SELECT session_key AS "sessionKey" FROM app_session JOIN left_now USING (member_id)`, [id, member.id])
    app.members.forget(member.id, id)
    if (left !== undefined) app.secsync.disconnect({ documentId: id, websocketSessionKey: left.sessionKey })
    return await reply.code(204).send(null)
  })
}

export default documents
