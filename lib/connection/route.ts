import { randomInt } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import type { Access } from '../document/access.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { Connection } from './connection.ts'
import { AccessCheckFailed, CallbackTimeout, DocumentNotFound, DocumentRolledBack, HandshakeInvalid, TooManyConnections, Unauthorized } from '../errors.ts'
import type { Context } from '../hooks.ts'
import { receive, type MessageSettings } from './message.ts'
import type { ResolvedOptions } from '../options.ts'
import { documentError, documentNotFound, unauthorized } from '../protocol/answers.ts'
import { readHandshakeUrl } from './handshake-url.ts'
import { wantsHeartbeat } from './query.ts'
import type { Rooms } from '../document/rooms.ts'

const maxDocumentIdBytes = 1024

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
  const { limits, rooms } = settings
  if (sessionKeys.length === 0) throw new HandshakeInvalid('no session key')
  await identify(connection, context, sessionKeys, settings)
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
 * Decides what the URL means: the first reading of the session key that has access to a document, and of the readings of the document
 * id with access the first that is stored, or else the first. Nearly all URLs have one reading.
 */
async function identify (connection: Connection, context: Context, sessionKeys: string[], settings: RouteSettings): Promise<void> {
  const { access, documentIds, hooks, rooms } = settings
  const { request } = connection
  let failure: unknown
  for (const websocketSessionKey of sessionKeys) {
    const readings = documentIds.readingsOf(request, websocketSessionKey)
    let chosen: string | undefined
    for (const documentId of readings) {
      try {
        assertStorable(documentId)
        await hooks.run('preHandler', { ...context, documentId, websocketSessionKey })
        if (!await canRead({ documentId, websocketSessionKey, request }, access)) throw new Unauthorized('read')
      } catch (error) {
        failure ??= error
        continue
      }
      chosen ??= documentId
      if (readings.length > 1 && await rooms.isStored(documentId, request)) {
        chosen = documentId
        break
      }
    }
    if (chosen === undefined) continue
    const identity = { documentId: chosen, websocketSessionKey }
    Object.assign(context, identity)
    Object.assign(connection, identity)
    return
  }
  throw failure
}

async function canRead ({ documentId, websocketSessionKey, request }: Pick<Context, 'documentId' | 'websocketSessionKey' | 'request'>, access: Access): Promise<boolean> {
  try {
    return await access.can({ action: 'read', documentId, websocketSessionKey, request })
  } catch (cause) {
    throw Object.assign(new AccessCheckFailed((cause as Error | undefined)?.message), { cause })
  }
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

/** PostgreSQL stores neither NUL nor half a surrogate pair, and indexes no endless text. */
function assertStorable (documentId: string): void {
  const bytes = Buffer.byteLength(documentId)
  if (bytes === 0) throw new HandshakeInvalid('no document id')
  if (bytes > maxDocumentIdBytes) throw new HandshakeInvalid(`the document id has ${bytes} bytes, the limit is ${maxDocumentIdBytes}`)
  if (!documentId.isWellFormed() || documentId.includes('\0')) throw new HandshakeInvalid('the document id contains NUL or a lone surrogate')
}
