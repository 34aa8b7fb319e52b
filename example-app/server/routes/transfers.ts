import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authenticate, SessionUnknown } from '../sessions.ts'
import { maxSealed } from '../transfers.ts'
import { Bytes32, TransferParams } from './schemas.ts'

/** How a person adds another device. The one that they have leaves ciphertext here, the other one takes it, and is this person from then on. */
const transfers: FastifyPluginAsyncTypebox = async (app) => {
  /** For a device that is nobody yet. The link has a secret of 32 random bytes, from which the id is made. */
  app.post('/transfers/:transferId', {
    config: { rateLimit: app.rates.newSessions },
    schema: { params: TransferParams, response: { 200: Type.Object({ sealed: Type.String(), sessionKey: Type.String() }) } }
  }, async ({ params: { transferId } }) => await app.transfers.take(transferId, async (memberId) => {
    app.rates.creation(memberId)
    return { sessionKey: await app.sessions.another(memberId) }
  }))

  app.register(async (own) => {
    own.addHook('onRequest', authenticate)
    own.addHook('onRequest', app.rates.ofMember)
    own.register(ownTransfers)
  })
}

const ownTransfers: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/transfers', {
    schema: {
      body: Type.Object({ id: Bytes32, sealed: Type.String({ maxLength: maxSealed, pattern: '^[\\w-]+$' }) }),
      response: { 200: Type.Object({ expiresIn: Type.Integer() }) }
    }
  }, async ({ body: { id, sealed }, member }) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    return { expiresIn: await app.transfers.create(member.id, id, sealed) }
  })

  app.delete('/transfers/:transferId', {
    schema: { params: TransferParams, response: { 204: Type.Null() } }
  }, async ({ params: { transferId }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    await app.transfers.end(member.id, transferId)
    return await reply.code(204).send(null)
  })
}

export default transfers
