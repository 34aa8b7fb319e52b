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
    const their = { documentId: id, memberId: member.id }
    await app.prisma.appAuthor.createMany({ data: { ...their, publicKey }, skipDuplicates: true })
    const { count } = await app.prisma.appAuthor.updateMany({ where: { ...their, publicKey }, data: { createdAt: new Date() } })
    if (count === 0) throw new OtherAuthor()
    const former = await app.prisma.appAuthor.findMany({ where: their, orderBy: { createdAt: 'desc' }, skip: most, select: { publicKey: true } })
    if (former.length > 0) await app.prisma.appAuthor.deleteMany({ where: { ...their, publicKey: { in: former.map(({ publicKey }) => publicKey) } } })
    return await reply.code(204).send(null)
  })
}

export default authors
