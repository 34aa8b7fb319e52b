import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { authenticate, SessionUnknown } from '../sessions.ts'

const sessions: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/sessions', {
    schema: {
      body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 100, pattern: '^[^\\0]*[^\\0\\s][^\\0]*$' }) }),
      response: { 200: Type.Object({ sessionKey: Type.String() }) }
    }
  }, async ({ body }) => ({ sessionKey: await app.sessions.start(body.name.trim()) }))

  app.get('/session', {
    onRequest: authenticate,
    schema: { response: { 200: Type.Object({ memberId: Type.String(), name: Type.String() }) } }
  }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    return { memberId: member.id, name: member.name }
  })
}

export default sessions
