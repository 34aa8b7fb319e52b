import { Type, type FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'

const Health = Type.Object({ status: Type.Union([Type.Literal('ok'), Type.Literal('no database')]) })

/** For whatever watches this process: 200 once it can serve. */
const health: FastifyPluginAsyncTypebox = async (app) => {
  app.get('/health', { logLevel: 'warn', schema: { response: { 200: Health, 503: Health } } }, async (request, reply) => {
    try {
      await app.db.query('SELECT 1')
      return { status: 'ok' as const }
    } catch (err) {
      request.log.warn({ err }, 'the database does not answer')
      return await reply.code(503).send({ status: 'no database' })
    }
  })
}

export default health
