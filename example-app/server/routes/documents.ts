import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { disconnectMember, NotAMember, onlyMembers, onlyOwner, OwnersStay } from '../access.ts'
import { endMemberships } from '../delete-document.ts'
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

  /** Those that this person may open now. */
  app.get('/documents', {
    schema: { response: { 200: Type.Array(Type.Object({ documentId: Type.String(), role: RoleSchema })) } }
  }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    const memberships = await app.prisma.appMembership.findMany({ where: { memberId: member.id }, select: { documentId: true, role: true } })
    return memberships.flatMap(({ documentId, role }) => role === 'removed' ? [] : [{ documentId, role }])
  })

  app.get('/documents/:id', {
    preHandler: onlyMembers,
    schema: {
      params: DocumentParams,
      response: {
        200: Type.Object({
          role: RoleSchema,
          access: Type.Union([Type.Literal('link'), Type.Literal('invited')]),
          /** How often the document was handed over to another owner. */
          handovers: Type.Integer(),
          members: Type.Array(Type.Object({ memberId: Type.String(), name: Type.String(), role: RoleSchema, publicKeys: Type.Array(Type.String()) }))
        })
      }
    }
  }, async ({ params: { id }, role }) => {
    const document = await app.prisma.appDocument.findUnique({
      where: { id },
      select: {
        access: true,
        handovers: { orderBy: { number: 'desc' }, take: 1, select: { number: true } },
        memberships: {
          where: { role: { not: 'removed' } },
          orderBy: { createdAt: 'asc' },
          select: { memberId: true, role: true, member: { select: { name: true } }, authors: { select: { publicKey: true } } }
        }
      }
    })
    if (document === null || role === null) throw new NotAMember()
    const members = document.memberships.flatMap(({ memberId, role, member: { name }, authors }) => {
      return role === 'removed' ? [] : [{ memberId, name, role, publicKeys: authors.map(({ publicKey }) => publicKey) }]
    })
    return { role, access: document.access, handovers: document.handovers[0]?.number ?? 0, members }
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
    for (const memberId of await endMemberships(app.prisma, id)) app.members.forget(memberId, id)
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
    const their = { documentId: id, memberId: member.id }
    const [,, { count }] = await app.prisma.$transaction([
      app.prisma.appAuthor.deleteMany({ where: their }),
      app.prisma.appDevice.deleteMany({ where: their }),
      app.prisma.appMembership.deleteMany({ where: { ...their, role: { in: ['editor', 'viewer'] } } })
    ])
    app.members.forget(member.id, id)
    if (count > 0) await disconnectMember(app, member.id, id)
    return await reply.code(204).send(null)
  })
}

export default documents
