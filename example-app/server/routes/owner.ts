import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { maxMembers, onlyOwner } from '../access.ts'
import { StorageFull } from '../quota.ts'
import { SessionUnknown } from '../sessions.ts'
import { BoxFor, DocumentParams, MemberParams } from './schemas.ts'

/** How an owner hands a document over to another member. What their client says of it to the clients of all others is sealed, too. */
const owner: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/documents/:id/owner', {
    preHandler: onlyOwner,
    // A box for each member.
    bodyLimit: 512 * 1024,
    schema: {
      params: DocumentParams,
      body: Type.Object({
        memberId: MemberParams.properties.memberId,
        /** Of this handover: 1 for the first of a document. */
        number: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
        boxes: Type.Array(BoxFor, { maxItems: maxMembers })
      }),
      response: { 204: Type.Null() }
    }
  }, async ({ params: { id }, body: { memberId, number, boxes }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    const bytes = boxes.reduce((sum, { box }) => sum + box.length, 0)
    if (!await app.quota.mayOwn(memberId, id, bytes)) throw new StorageFull()
    await app.members.handOver({ documentId: id, from: member.id, to: memberId, number, boxes })
    app.quota.forget(id)
    return await reply.code(204).send(null)
  })
}

export default owner
