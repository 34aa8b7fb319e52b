import createError from '@fastify/error'
import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { displayName } from '../display-name.ts'
import { authenticate, SessionUnknown } from '../sessions.ts'

const NameInvalid = createError('APP_NAME_INVALID', 'A name needs something that can be seen', 400)

const sessions: FastifyPluginAsyncTypebox = async (app) => {
  app.post('/sessions', {
    schema: {
      body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) }),
      response: { 200: Type.Object({ sessionKey: Type.String() }) }
    }
  }, async ({ body }) => {
    const name = displayName(body.name)
    if (name === undefined) throw new NameInvalid()
    return { sessionKey: await app.sessions.start(name) }
  })

  app.get('/session', {
    onRequest: authenticate,
    schema: { response: { 200: Type.Object({ memberId: Type.String(), name: Type.String() }) } }
  }, async ({ member }) => {
    if (member === null) throw new SessionUnknown()
    return { memberId: member.id, name: member.name }
  })
}

export default sessions
