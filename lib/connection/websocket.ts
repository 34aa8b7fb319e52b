import { createServer, type IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import websocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import type { Limits } from '../options.ts'

/** The HTTP servers whose upgrades @fastify/websocket takes already, in another scope. */
const upgrading = new WeakSet<object>()

/**
 * Nobody reads from the socket of an upgrade that Fastify answers by itself, as it does for a malformed URL, or never answers: not
 * even its end would be seen, and the server could not be closed. `ws` ends the time limit when it takes the socket over.
 */
export function limitHandshakes (fastify: FastifyInstance, prefix: string, { callbackTimeout }: Limits): void {
  const sockets = new Set<Socket>()
  const limit = ({ url = '' }: IncomingMessage, socket: Duplex) => {
    // Other listeners may have sockets that are idle; `injectWS` brings a stream that has no time limits.
    const isOurs = url.startsWith(prefix) || !url.startsWith('/') || !isDecodable(url)
    if (!isOurs || !(socket instanceof Socket)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.setTimeout(callbackTimeout, () => socket.destroy())
  }
  fastify.server.prependListener('upgrade', limit)
  fastify.addHook('preClose', async () => {
    // Node takes upgrades for listened to as long as it is there; without one, Fastify answers them with 503.
    fastify.server.removeListener('upgrade', limit)
    for (const socket of sockets) if (socket.timeout) socket.destroy()
  })
}

function isDecodable (url: string): boolean {
  try {
    decodeURI(url)
    return true
  } catch {
    return false
  }
}

/** Registers @fastify/websocket, unless the user has. */
export async function registerWebsocket (fastify: FastifyInstance, { maxMessageSize }: Limits): Promise<void> {
  if (fastify.websocketServer !== undefined) return
  // Registered in two scopes, it would dispatch each upgrade twice: the second listens to a server that is never asked.
  const server = upgrading.has(fastify.server) ? createServer() : fastify.server
  upgrading.add(fastify.server)
  await fastify.register(websocket, { options: { maxPayload: maxMessageSize, server } })
}
