import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { disconnectMember, NoSuchMember, onlyOwner } from '../access.ts'
import { AppRole } from '../prisma-client/client.ts'
import { DocumentParams, GivenRole, MemberParams } from './schemas.ts'

/** The roles that an owner gives and takes. */
const given = ['editor', 'viewer'] as const

/** How an owner lets others in, and out. */
const members: FastifyPluginAsyncTypebox = async (app) => {
  app.patch('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, body: Type.Object({ role: GivenRole }), response: { 200: Type.Object({ role: GivenRole }) } }
  }, async ({ params: { id, memberId }, body: { role } }) => {
    const { count } = await app.prisma.appMembership.updateMany({ where: { documentId: id, memberId, role: { in: [...given] } }, data: { role } })
    if (count === 0) throw new NoSuchMember()
    app.members.forget(memberId, id)
    return { role }
  })

  /** For good, and with all invitations that are open: they may know them, and the key that the links have is theirs. */
  app.delete('/documents/:id/members/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, memberId } }, reply) => {
    await app.prisma.$transaction(async (transaction) => {
      const { count } = await transaction.appMembership.updateMany({ where: { documentId: id, memberId, role: { in: [...given] } }, data: { role: 'removed' } })
      if (count === 0) throw new NoSuchMember()
      await app.invitations.endAll(transaction, id)
      const document = await transaction.secsyncDocument.findUnique({ where: { id }, select: { activeSnapshotId: true } })
      await transaction.appDocument.update({ where: { id }, data: { refusedSnapshotId: document?.activeSnapshotId ?? null } })
    })
    app.members.forget(memberId, id)
    app.refusedSnapshots.forget(id)
    await disconnectMember(app, memberId, id)
    return await reply.code(204).send(null)
  })

  app.get('/documents/:id/removed', {
    preHandler: onlyOwner,
    schema: { params: DocumentParams, response: { 200: Type.Object({ removed: Type.Array(Type.Object({ memberId: Type.String(), name: Type.String() })) }) } }
  }, async ({ params: { id } }) => {
    const removed = await app.prisma.appMembership.findMany({
      where: { documentId: id, role: 'removed' }, orderBy: { createdAt: 'asc' }, select: { memberId: true, member: { select: { name: true } } }
    })
    return { removed: removed.map(({ memberId, member: { name } }) => ({ memberId, name })) }
  })

  /** They are as anybody else from now on, and can become a member by an invitation. */
  app.delete('/documents/:id/removed/:memberId', {
    preHandler: onlyOwner,
    schema: { params: MemberParams, response: { 204: Type.Null() } }
  }, async ({ params: { id, memberId } }, reply) => {
    const their = { documentId: id, memberId, membership: { role: AppRole.removed } }
    const [,, { count }] = await app.prisma.$transaction([
      app.prisma.appAuthor.deleteMany({ where: their }),
      app.prisma.appDevice.deleteMany({ where: their }),
      app.prisma.appMembership.deleteMany({ where: { documentId: id, memberId, role: 'removed' } })
    ])
    if (count === 0) throw new NoSuchMember()
    app.members.forget(memberId, id)
    return await reply.code(204).send(null)
  })
}

export default members
