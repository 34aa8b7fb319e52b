import { randomInt } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { closeCodes } from '../protocol/close-codes.ts'
import { Connection } from './connection.ts'
import { CallbackTimeout, DocumentNotFound, DocumentRolledBack, HistoryPathTooLong, TooManyConnections, Unauthorized } from '../errors.ts'
import type { Context } from '../hooks.ts'
import { receive, type MessageSettings } from './message.ts'
import type { ResolvedOptions } from '../options.ts'
import { documentError, documentNotFound, unauthorized } from '../protocol/answers.ts'
import { readHandshakeUrl } from './handshake-url.ts'
import { addHistoryRoutes, isLongHistoryUrl, type HistorySettings } from './history.ts'
import { identify } from './identify.ts'
import { wantsHeartbeat } from './query.ts'
import type { Rooms } from '../document/rooms.ts'

export interface RouteSettings extends MessageSettings {
  connections: Set<Connection>
  rooms: Rooms
  /** What the option `history` reads. */
  history?: Pick<HistorySettings, 'documents' | 'readSnapshot'> | undefined
}

/** `GET {prefix}/{documentId}?sessionKey=…`: an id may hold slashes, and without one the client is still told in the protocol. */
export function addRoute (scope: FastifyInstance, options: ResolvedOptions, settings: RouteSettings): void {
  const { history, onRequest, preValidation, preHandler } = options
  const route = {
    // The session key is in the query string.
    logSerializers: { req: serializeRequest },
    ...onRequest && { onRequest },
    ...preValidation && { preValidation },
    ...preHandler && { preHandler }
  } as const
  const wsHandler = (socket: WebSocket, request: FastifyRequest): void => { void connect(socket, request, settings) }
  // Without an upgrade: a browser tells nobody why a handshake failed, so a client asks again over HTTP, and the hooks above answer.
  const handler = (request: FastifyRequest, reply: FastifyReply) => {
    if (history && isLongHistoryUrl(request)) throw new HistoryPathTooLong()
    return reply.code(426).header('upgrade', 'websocket').send()
  }
  for (const path of options.prefix ? ['/*', ''] : ['/*']) scope.route({ method: 'GET', url: path, ...route, handler, wsHandler })
  if (!history || settings.history === undefined) return
  const { access, hooks, limits } = settings
  addHistoryRoutes(scope, history === true ? {} : history, { ...settings.history, access, hooks, timeLimit: limits.callbackTimeout, route, wsHandler })
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
  const { connections, failures, hooks, limits, telemetry } = settings
  const url = readHandshakeUrl(request)
  // Listens from here on: a message may come right behind the handshake.
  const connection = new Connection(socket, request, url.documentIds[0], url.sessionKeys[0] ?? '', limits)
  const { documentId, websocketSessionKey } = connection
  const context: Context = { documentId, websocketSessionKey, request, action: 'read' }
  // @fastify/websocket closes its clients as soon as the server does: ours first finish what is in flight, see `shutDown`.
  request.server.websocketServer.clients?.delete(socket)
  connections.add(connection)
  socket.on('close', (code) => {
    connections.delete(connection)
    telemetry.closed(code)
    hooks.run('onClose', { ...context, code }).catch((error: unknown) => failures.report(error, context, connection))
  })

  const operation = telemetry.handshake(connection)
  try {
    const outcome = await operation.run(() => join(connection, context, url.sessionKeys, settings))
    operation.end({ documentId: connection.documentId, outcome })
    if (outcome === 'left') return
  } catch (error) {
    operation.end({ documentId: connection.documentId, outcome: isRefusal(error) ? 'refused' : 'failed', error })
    if (error instanceof Unauthorized) connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
    else if (error instanceof DocumentNotFound) connection.close(closeCodes.documentNotFound, 'document not found', documentNotFound)
    else if (error instanceof TooManyConnections) connection.close(closeCodes.tryAgainLater, 'too many connections')
    else if (isTransient(error)) setTimeout(() => connection.close(closeCodes.internalError, 'come back'), randomInt(500, 2000)).unref()
    else connection.close(closeCodes.documentError, 'document error', documentError)
    return await failures.report(error, context, connection)
  }
  await hooks.run('onResponse', context).catch((error: unknown) => failures.report(error, context, connection))
}

/** Sends the document, and lets messages in. `left`: the connection was closed meanwhile. */
async function join (connection: Connection, context: Context, sessionKeys: string[], settings: RouteSettings): Promise<'joined' | 'left'> {
  const { access, documentIds, hooks, limits, rooms } = settings
  const isStored = (documentId: string, request: FastifyRequest) => rooms.isStored(documentId, request)
  const readingsOf = (sessionKey: string) => documentIds.readingsOf(connection.request, sessionKey)
  const identity = await identify(context, sessionKeys, readingsOf, { access, hooks, isStored })
  Object.assign(context, identity)
  Object.assign(connection, identity)
  if (connection.closed) return 'left'

  const room = rooms.open(connection.documentId)
  if (room.size >= limits.maxConnectionsPerDocument) throw new TooManyConnections()
  connection.whenEnded(() => room.leave(connection))
  const joined = await room.join(connection)
  if (joined === 'notFound') throw new DocumentNotFound()
  if (joined === 'rolledBack') throw new DocumentRolledBack()
  if (wantsHeartbeat(connection.request)) connection.announceHeartbeat()
  connection.open((inbound) => receive(inbound, connection, room, settings))
  return joined
}

/**
 * After `document-error` the client never comes back: that is for what no retry mends. From an outage it comes back by itself,
 * at once and again and again, which is why it is closed after a while.
 */
function isTransient (error: unknown): boolean {
  return error instanceof CallbackTimeout || (error as { statusCode?: number } | undefined)?.statusCode === 503
}

/** Whether the client is the reason, not the server. */
function isRefusal (error: unknown): boolean {
  const { statusCode = 500 } = (error ?? {}) as { statusCode?: number }
  return statusCode < 500
}
