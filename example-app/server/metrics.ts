import Fastify, { type FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Registry } from 'prom-client'

/** `GET /metrics` for Prometheus, on a port of its own: the proxy in front of the app does not reach it. */
export function buildMetrics (): { registry: Registry, server: FastifyInstance } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const server = Fastify()
  server.get('/metrics', async (_request, reply) => await reply.type(registry.contentType).send(await registry.metrics()))
  return { registry, server }
}
