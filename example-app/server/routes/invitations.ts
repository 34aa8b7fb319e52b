import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { onlyOwner } from '../access.ts'
import { maxAge } from '../invitations.ts'
import { SessionUnknown } from '../sessions.ts'
import { DocumentParams, GivenRole, InvitationParams, RoleSchema, TokenParams } from './schemas.ts'

const NoSuchInvitation = createError('APP_NO_SUCH_INVITATION', 'There is no such invitation, or it has ended', 404)

const Time = Type.String({ format: 'date-time' })

const Invitation = Type.Object({
  id: Type.String(),
  role: GivenRole,
  createdAt: Time,
  expiresAt: Time,
  /** How many people can come by it. Null: as many as a document may have members. */
  maxUses: Type.Union([Type.Integer(), Type.Null()]),
  /** Those who came by it, and are members. */
  members: Type.Array(Type.Object({ memberId: Type.String(), name: Type.String() }))
})

const NewInvitation = Type.Object({
  role: GivenRole,
  maxUses: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
  /** Days after which it ends. @default 30 */
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: maxAge }))
})

/** How an owner lets others in. */
const invitations: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/documents/:id/invitations', {
    preHandler: onlyOwner,
    schema: { params: DocumentParams, body: NewInvitation, response: { 200: Type.Object({ id: Type.String(), token: Type.String() }) } }
  }, async ({ params: { id }, body, member }) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    return await app.invitations.create(member.id, { ...body, documentId: id })
  })

  app.get('/documents/:id/invitations', {
    preHandler: onlyOwner,
    schema: { params: DocumentParams, response: { 200: Type.Object({ invitations: Type.Array(Invitation) }) } }
  }, async ({ params: { id } }) => ({ invitations: await app.invitations.list(id) }))

  app.delete('/documents/:id/invitations/:invitationId', {
    preHandler: onlyOwner,
    schema: { params: InvitationParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, invitationId } }, reply) => {
    if (!await app.invitations.end(id, invitationId)) throw new NoSuchInvitation()
    return await reply.code(204).send(null)
  })

  app.post('/invitations/:token', {
    schema: { params: TokenParams, response: { 200: Type.Object({ documentId: Type.String(), role: RoleSchema }) } }
  }, async ({ params: { token }, member }) => {
    if (member === null) throw new SessionUnknown()
    return await app.invitations.accept(member.id, token)
  })
}

export default invitations
