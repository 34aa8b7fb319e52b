import { randomInt } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Access } from '../document/access.ts'
import { closeCodes, Connection } from './connection.ts'
import { AccessUnknown, CallbackTimeout, DocumentNotFound, HandshakeInvalid, TooManyConnections, Unauthorized } from '../errors.ts'
import type { HookContext } from '../hooks.ts'
import { fail, receive, type MessageSettings } from './message.ts'
import type { ResolvedOptions } from '../options.ts'
import { documentError, documentNotFound, unauthorized } from '../protocol/answers.ts'
import { knownOf, sessionKeyOf, wantsHeartbeat } from './query.ts'
import type { Rooms } from '../document/rooms.ts'

export interface RouteSettings extends MessageSettings {
  connections: Set<Connection>
  rooms: Rooms
}

/** `GET {prefix}/{documentId}?sessionKey=…`: an id may hold slashes, and without one the client is still told in the protocol. */
export function addRoute (scope: FastifyInstance, options: ResolvedOptions, settings: RouteSettings): void {
  const { onRequest, preValidation, preHandler } = options
  const route = {
    // The session key is in the query string.
    logSerializers: { req: serializeRequest },
    ...onRequest && { onRequest },
    ...preValidation && { preValidation },
    ...preHandler && { preHandler }
  } as const
  const wsHandler = (socket: WebSocket, request: FastifyRequest): void => { void connect(socket, request, settings) }
  // Without an upgrade: a browser tells nobody why a handshake failed, so a client asks again over HTTP, and the hooks above answer.
  const handler = (_request: FastifyRequest, reply: FastifyReply) => reply.code(426).header('upgrade', 'websocket').send()
  for (const path of options.prefix ? ['/*', ''] : ['/*']) scope.route({ method: 'GET', url: path, ...route, handler, wsHandler })
}

/** Like Fastify's own, without the query string. */
function serializeRequest (request: FastifyRequest) {
  return {
    method: request.method,
    // A router may end the path at each of them.
    url: request.url.split(/[?#;]/, 1)[0],
    host: request.host,
    remoteAddress: request.ip,
    remotePort: request.socket?.remotePort
  }
}

/** The handshake: it ends with the document, or with the reason why there is none. */
async function connect (socket: WebSocket, request: FastifyRequest, settings: RouteSettings): Promise<void> {
  const { access, connections, hooks, limits, rooms } = settings
  const documentId = (request.params as { '*'?: string })['*'] ?? ''
  const sessionKey = sessionKeyOf(request)
  const websocketSessionKey = sessionKey ?? ''
  // Listens from here on: a message may come right behind the handshake.
  const connection = new Connection(socket, request, documentId, websocketSessionKey, limits)
  const context: HookContext = { documentId, websocketSessionKey, request, action: 'read' }
  // @fastify/websocket closes its clients as soon as the server does: ours first finish what is in flight, see `shutDown`.
  request.server.websocketServer.clients.delete(socket)
  connections.add(connection)
  socket.on('close', (code) => {
    connections.delete(connection)
    hooks.run('onClose', { ...context, code }).catch((error: unknown) => fail(error, context, connection, hooks))
  })

  try {
    if (!isStorable(documentId) || sessionKey === undefined) throw new HandshakeInvalid()
    await hooks.run('preHandler', context)
    if (!await canRead(connection, access)) throw new Unauthorized('read')
    if (connection.closed) return

    const room = rooms.open(documentId)
    if (room.size >= limits.maxConnectionsPerDocument) throw new TooManyConnections()
    connection.onEnd = () => room.leave(connection)
    if (!await room.join(connection, knownOf(request))) throw new DocumentNotFound()
    if (wantsHeartbeat(request)) connection.announceHeartbeat()
    connection.open((inbound) => receive(inbound, connection, room, settings))
  } catch (error) {
    if (error instanceof Unauthorized) connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
    else if (error instanceof DocumentNotFound) connection.close(closeCodes.documentNotFound, 'document not found', documentNotFound)
    else if (error instanceof TooManyConnections) connection.close(closeCodes.tryAgainLater, 'too many connections')
    else if (isTransient(error)) setTimeout(() => connection.close(closeCodes.internalError, 'come back'), randomInt(500, 2000)).unref()
    else connection.close(closeCodes.documentError, 'document error', documentError)
    return await fail(error, context, connection, hooks)
  }
  await hooks.run('onResponse', context).catch((error: unknown) => fail(error, context, connection, hooks))
}

async function canRead ({ documentId, websocketSessionKey, request }: Connection, access: Access): Promise<boolean> {
  try {
    return await access.can({ action: 'read', documentId, websocketSessionKey, request })
  } catch (cause) {
    throw Object.assign(new AccessUnknown((cause as Error | undefined)?.message), { cause })
  }
}

/**
 * After `document-error` the client never comes back: that is for what no retry mends. From an outage it comes back by itself,
 * at once and again and again, which is why it is closed after a while.
 */
function isTransient (error: unknown): boolean {
  return error instanceof CallbackTimeout || (error as { statusCode?: number } | undefined)?.statusCode === 503
}

/** PostgreSQL stores neither NUL nor half a surrogate pair, and indexes no endless text. */
function isStorable (documentId: string): boolean {
  return documentId.length > 0 && Buffer.byteLength(documentId) <= 1024 && documentId.isWellFormed() && !documentId.includes('\0')
}
