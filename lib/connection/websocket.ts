import { createServer } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { Upgrades } from './upgrades.ts'
import type { Limits } from '../limits.ts'

/**
 * Registers @fastify/websocket, unless the user has. Another scope may have it, too: each registration would dispatch every upgrade of
 * the server, and the second time fails. So ours listens to a server that never does, and gets only what nobody else has taken.
 */
export async function registerWebsocket (fastify: FastifyInstance, prefix: string, { callbackTimeout, maxMessageSize }: Limits): Promise<void> {
  const route = { prefix: fastify.prefix + prefix, timeLimit: callbackTimeout }
  if (fastify.websocketServer !== undefined) return Upgrades.of(fastify).add(route)
  const server = createServer()
  Upgrades.of(fastify).add({ ...route, dispatcher: server })
  await fastify.register(websocket, { options: { maxPayload: maxMessageSize, server } })
}
