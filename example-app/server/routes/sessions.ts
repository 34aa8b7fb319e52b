import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { displayName } from '../display-name.ts'
import { authenticate, NoSuchSession, SessionUnknown } from '../sessions.ts'
import { SessionParams } from './schemas.ts'

const NameInvalid = createError('APP_NAME_INVALID', 'A name needs something that can be seen', 400)

const Time = Type.String({ format: 'date-time' })
const SessionKey = Type.Object({ sessionKey: Type.String() })

const sessions: FastifyPluginAsyncTypebox = async (app) => {
  /** Somebody new. */
  app.post('/sessions', {
    config: { rateLimit: app.rates.newSessions },
    schema: { body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) }), response: { 200: SessionKey } }
  }, async ({ body }) => {
    const name = displayName(body.name)
    if (name === undefined) throw new NameInvalid()
    return { sessionKey: await app.sessions.start(name) }
  })

  app.register(async (own) => {
    own.addHook('onRequest', authenticate)
    own.addHook('onRequest', app.rates.ofMember)
    own.register(ownSessions)
  })
}

/** The sessions of whoever asks. */
const ownSessions: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/session', {
    schema: { response: { 200: Type.Object({ memberId: Type.String(), name: Type.String(), sessionId: Type.String() }) } }
  }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    return { memberId: member.id, name: member.name, sessionId: member.sessionId }
  })

  app.get('/sessions', {
    schema: {
      response: {
        200: Type.Object({
          sessions: Type.Array(Type.Object({ id: Type.String(), createdAt: Time, usedAt: Time, expiresAt: Time, isCurrent: Type.Boolean() }))
        })
      }
    }
  }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    const sessions = await app.sessions.list(member.id)
    return {
      sessions: sessions.map(({ id, createdAt, usedAt, expiresAt }) => ({
        id,
        createdAt: createdAt.toISOString(),
        usedAt: usedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
        isCurrent: id === member.sessionId
      }))
    }
  })

  /** A further session of the same person: for another device, or in place of one that ends. */
  app.post('/sessions/another', { schema: { response: { 200: SessionKey } } }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    app.rates.creation(member.id)
    return { sessionKey: await app.sessions.another(member.id) }
  })

  /** Ends one of them. Its connections close on all nodes. */
  app.delete('/sessions/:sessionId', {
    schema: { params: SessionParams, response: { 204: Type.Null() } }
  }, async ({ params: { sessionId }, member }, reply) => {
    if (member === null) throw new SessionUnknown()
    const [keyHash] = await app.sessions.end({ memberId: member.id, id: sessionId })
    if (keyHash === undefined) throw new NoSuchSession()
    app.secsync.disconnect({ sessionKeyHash: keyHash })
    return await reply.code(204).send(null)
  })

  /** Ends all but the one that asks. */
  app.delete('/sessions', { schema: { response: { 204: Type.Null() } } }, async ({ member }, reply) => {
    if (member === null) throw new SessionUnknown()
    for (const sessionKeyHash of await app.sessions.end({ memberId: member.id, id: { not: member.sessionId } })) app.secsync.disconnect({ sessionKeyHash })
    return await reply.code(204).send(null)
  })
}

export default sessions
