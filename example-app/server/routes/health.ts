import type { FastifyPluginAsync } from 'fastify'

/** For whatever watches this process: 200 once it can serve. */
const health: FastifyPluginAsync = async (app) => {
  app.get('/health', { logLevel: 'warn' }, async (request, reply) => {
    const health = await app.secsync.health()
    if (!health.ready) request.log.warn({ health }, 'not ready')
    return await reply.code(health.ready ? 200 : 503).send(health)
  })
}

export default health
