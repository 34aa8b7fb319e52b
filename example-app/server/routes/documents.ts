import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { NotAMember, onlyMembers, type Role } from '../access.ts'
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
}

export default documents
