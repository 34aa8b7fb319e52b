import { createServer } from 'node:http'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { Limits } from './options.ts'

/** The HTTP servers whose upgrades @fastify/websocket takes already, in another scope. */
const upgrading = new WeakSet<object>()

/** Registers @fastify/websocket, unless the user has. */
export async function registerWebsocket (fastify: FastifyInstance, { maxMessageSize }: Limits): Promise<void> {
  if (fastify.websocketServer !== undefined) return
  // Registered in two scopes, it would dispatch each upgrade twice: the second listens to a server that is never asked.
  const server = upgrading.has(fastify.server) ? createServer() : fastify.server
  upgrading.add(fastify.server)
  await fastify.register(websocket, { options: { maxPayload: maxMessageSize, server } })
}
