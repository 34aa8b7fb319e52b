import type { FastifyPluginAsync } from 'fastify'

/** For whatever watches this process: 200 once it can serve. Under load, requests wait for a connection to the database. */
const health: FastifyPluginAsync = async (app) => {
  app.get('/health', { logLevel: 'warn', config: { rateLimit: false } }, async (request, reply) => {
    const health = await app.secsync.health({ timeout: 2500 })
    if (!health.ready) request.log.warn({ health }, 'not ready')
    return await reply.code(health.ready ? 200 : 503).send(health)
  })
}

export default health
