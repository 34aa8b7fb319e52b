import { randomBytes } from 'node:crypto'
import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { onlyOwner } from '../access.ts'
import { SessionUnknown } from '../sessions.ts'
import { DocumentParams, GivenRole, InvitationParams, MemberParams, RoleSchema } from './schemas.ts'

const InvitationEnded = createError('APP_INVITATION_ENDED', 'This invitation has ended', 404)
const NoSuchMember = createError('APP_NO_SUCH_MEMBER', 'There is no such member whose role could be changed', 404)

/** The roles that an owner gives and takes. */
const given = ['editor', 'viewer'] as const

/** How an owner lets others in, and out. */
const members: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/documents/:id/invitations', {
    preHandler: onlyOwner,
    schema: {
      params: DocumentParams,
      body: Type.Object({ role: GivenRole }),
      response: { 200: Type.Object({ token: Type.String() }) }
    }
  }, async ({ params: { id }, body: { role } }) => {
    const token = randomBytes(24).toString('base64url')
    await app.prisma.appInvitation.create({ data: { token, documentId: id, role } })
    return { token }
  })

  app.post('/invitations/:token', {
    schema: { params: InvitationParams, response: { 200: Type.Object({ documentId: Type.String(), role: RoleSchema }) } }
  }, async ({ params: { token }, member }) => {
    if (member === null) throw new SessionUnknown()
    // Whoever is a member already keeps their role: only the owner changes it, and a removed member stays removed.
    const membership = await app.prisma.$transaction(async (transaction) => {
      const invitation = await transaction.appInvitation.findUnique({ where: { token } })
      if (invitation === null || invitation.role === 'removed') throw new InvitationEnded()
      const { documentId, role } = invitation
      return { documentId, role: await app.members.admit(transaction, { documentId, memberId: member.id, role, invitation: token }) }
    })
    if (membership.role === 'removed') throw new InvitationEnded()
    app.members.forget(member.id, membership.documentId)
    return { documentId: membership.documentId, role: membership.role }
  })

  app.patch('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, body: Type.Object({ role: GivenRole }), response: { 200: Type.Object({ role: GivenRole }) } }
  }, async ({ params: { id, memberId }, body: { role } }) => {
    const { count } = await app.prisma.appMembership.updateMany({ where: { documentId: id, memberId, role: { in: [...given] } }, data: { role } })
    if (count === 0) throw new NoSuchMember()
    app.members.forget(memberId, id)
    return { role }
  })

  /** For good, and with the invitation they came with, which others might still have from them. */
  app.delete('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, memberId } }, reply) => {
    const session = await app.prisma.$transaction(async (transaction) => {
      const [removed] = await transaction.appMembership.updateManyAndReturn({
        where: { documentId: id, memberId, role: { in: [...given] } }, data: { role: 'removed' }, select: { invitation: true, session: true }
      })
      if (removed === undefined) throw new NoSuchMember()
      if (removed.invitation !== null) await transaction.appInvitation.deleteMany({ where: { token: removed.invitation } })
      const document = await transaction.secsyncDocument.findUnique({ where: { id }, select: { activeSnapshotId: true } })
      await transaction.appDocument.update({ where: { id }, data: { refusedSnapshotId: document?.activeSnapshotId ?? null } })
      return removed.session
    })
    app.members.forget(memberId, id)
    app.refusedSnapshots.forget(id)
    app.secsync.disconnect({ documentId: id, websocketSessionKey: session.sessionKey })
    return await reply.code(204).send(null)
  })
}

export default members
