import { ConnectionClosed, DocumentFull, DocumentIdMismatch, isGarbage, MessageInvalid, MessageTooBig, SignatureInvalid, TooManyAuthors, Unauthorized } from '../errors.ts'
import type { Access } from '../document/access.ts'
import type { Quota } from '../document/quota.ts'
import type { Room } from '../document/room.ts'
import type { Context, Hooks } from '../hooks.ts'
import type { Limits } from '../limits.ts'
import { unauthorized } from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { kindOf, type ClientMessage, type MessageChecks, type MessageKind } from '../protocol/messages.ts'
import { verifySignature } from '../protocol/signature.ts'
import type { MessageEvent, Operation } from '../telemetry/operations.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Connection } from './connection.ts'
import type { DocumentIds } from './document-ids.ts'
import type { Failures } from './failures.ts'
import { ephemeralMessage } from './handlers/ephemeral-message.ts'
import type { Handler } from './handlers/handler.ts'
import { snapshot } from './handlers/snapshot.ts'
import { update } from './handlers/update.ts'
import type { Inbound } from './inbox.ts'

export interface MessageSettings {
  access: Access
  checks: MessageChecks
  documentIds: DocumentIds
  failures: Failures
  hooks: Hooks
  limits: Limits
  quota?: Quota | undefined
  telemetry: Telemetry
}

type AnyHandler = Handler<ClientMessage>

// Each handler takes the message that its check let through.
const handlers = { snapshot, update, ephemeralMessage } as Record<MessageKind, AnyHandler>

/**
 * The life of a message up to its handler, with the stages of a Fastify request. Resolves when the connection's next message may
 * follow, which is before this one is stored: so the room can write several at once, in the order in which they came.
 */
export function receive (inbound: Inbound, connection: Connection, room: Room, settings: MessageSettings): Promise<void> {
  const operation = settings.telemetry.message(connection, inbound.receivedAt, inbound.data.length)
  return operation.run(() => handle(inbound, operation, connection, room, settings))
}

async function handle (
  { data, isBinary }: Inbound, operation: Operation<MessageEvent>, connection: Connection, room: Room, settings: MessageSettings
): Promise<void> {
  const { access, checks, documentIds, failures, hooks, limits, quota, telemetry } = settings
  const { documentId, websocketSessionKey, request } = connection
  const context: Context = { documentId, websocketSessionKey, request, message: data }
  let handler: AnyHandler
  let message: ClientMessage
  try {
    if (hooks.has('onRequest')) await hooks.run('onRequest', context)
    if (data.length > limits.maxMessageSize) throw new MessageTooBig(data.length, limits.maxMessageSize)

    if (hooks.has('preParsing')) await hooks.run('preParsing', context)
    const parsed = parse(data, isBinary)
    handler = handlers[kindOf(parsed)]
    context.message = parsed
    context.action = handler.action

    if (hooks.has('preValidation')) await hooks.run('preValidation', context)
    message = verify(parsed, documentId, handler, checks)
    telemetry.parsed(message, operation)
    const { pubKey: publicKey } = message.publicData
    connection.invalidMessages = 0
    if (!connection.addAuthor(publicKey)) throw new TooManyAuthors()
    context.publicKey = publicKey

    if (hooks.has('preHandler')) await hooks.run('preHandler', context)
    if (!await access.can({ action: handler.action, documentId, publicKey, websocketSessionKey, request })) {
      throw new Unauthorized(handler.action)
    }
    if (quota !== undefined && handler.action !== 'send-ephemeral-message') {
      const bytes = { bytes: data.length, keptBytes: room.bytes?.kept, liveBytes: room.bytes && room.bytes.activeSnapshot + room.bytes.activeUpdates }
      if (!await quota.allows({ action: handler.action, documentId, publicKey, websocketSessionKey, request, ...bytes })) throw new DocumentFull()
    }
    // Its room may have ended meanwhile, and another one begun.
    if (connection.closed) throw new ConnectionClosed()
  } catch (error) {
    // A hook may have ended it before it was parsed: its sender must hear of it all the same.
    if (context.action === undefined && !isGarbage(error) && !(error instanceof MessageTooBig)) Object.assign(context, tryToParse(data))
    const refused = Object.values(handlers).find(({ action }) => action === context.action)
    const isEnded = ends(error, connection, limits)
    const settled = refused === undefined || isEnded ? { status: 'refused' } : await refused.refuse(context.message, connection, room, error)
    // Whoever has sent messages of this document means it.
    const isFirst = connection.authors.size === 0
    if (error instanceof DocumentIdMismatch && !isEnded && isFirst && documentIds.learn(request, websocketSessionKey, error.documentId)) {
      // The published client loses the changes of a snapshot that is in flight when its connection ends. After a refusal it sends another
      // one at once, and after the fifth it comes back by itself.
      if (refused?.kind === 'snapshot') connection.keepOpen()
      else connection.closeSoon(closeCodes.tryAgainLater, 'another document id')
    }
    operation.end({ ...refused && { kind: refused.kind }, outcome: settled.status, error })
    if (settled.status === 'refused') await failures.report(error, context, connection)
    connection.inbox.answered(data.length)
    return
  }

  // Called now, for the order; whatever it throws is a rejection.
  const settling = (async () => handler.handle(message, connection, room))()
  settling
    .then(async (settled) => {
      operation.end({ kind: handler.kind, outcome: settled.status, ...settled.status === 'refused' && { error: settled.error } })
      if (settled.status === 'refused') await failures.report(settled.error, context, connection)
      else if (settled.status !== 'dropped') await respond(context, connection, settings)
    })
    .catch((error: unknown) => failures.report(error, context, connection))
    .finally(() => connection.inbox.answered(data.length))
}

/** The stages behind the handler. The message is saved, acknowledged and relayed: neither waits for a hook. */
async function respond (context: Context, connection: Connection, { failures, hooks }: MessageSettings): Promise<void> {
  for (const name of ['onSend', 'onResponse'] as const) {
    if (hooks.has(name)) await hooks.run(name, context).catch((error: unknown) => failures.report(error, context, connection))
  }
}

function parse (data: Buffer, isBinary: boolean): object {
  if (isBinary) throw new MessageInvalid('a binary frame')
  let message: unknown
  try {
    message = JSON.parse(data.toString())
  } catch {
    throw new MessageInvalid('no JSON')
  }
  if (typeof message !== 'object' || message === null) throw new MessageInvalid('no object')
  return message
}

function tryToParse (data: Buffer): Pick<Context, 'action' | 'message'> {
  try {
    const message = parse(data, false)
    return { message, action: handlers[kindOf(message)].action }
  } catch {
    return {}
  }
}

function verify (message: object, documentId: string, { kind }: AnyHandler, checks: MessageChecks): ClientMessage {
  if (!checks[kind](message)) throw new MessageInvalid(`not the shape of a ${kind}`)
  if (message.publicData.docId !== documentId) throw new DocumentIdMismatch(message.publicData.docId)
  if (!verifySignature(kind, message)) throw new SignatureInvalid()
  return message
}

/** Closes the connection for what is not forgiven. */
function ends (error: unknown, connection: Connection, limits: Limits): boolean {
  if (error instanceof Unauthorized) {
    connection.close(closeCodes.unauthorized, 'unauthorized', unauthorized)
  } else if (error instanceof MessageTooBig) {
    connection.close(closeCodes.tooBig, 'message too big')
  } else if (error instanceof TooManyAuthors) {
    connection.close(closeCodes.policyViolation, 'too many authors')
  } else if (isGarbage(error) && ++connection.invalidMessages >= limits.maxInvalidMessages) {
    connection.close(closeCodes.policyViolation, 'too many invalid messages')
  }
  return connection.closed
}
