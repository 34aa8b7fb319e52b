import type { Access } from '../document/access.ts'
import { closeCodes, type Connection, type Inbound } from './connection.ts'
import type { DocumentIds } from './document-ids.ts'
import { ConnectionClosed, DocumentIdMismatch, isConflict, MessageInvalid, MessageTooBig, SignatureInvalid, Unauthorized } from '../errors.ts'
import { ephemeralMessage } from './handlers/ephemeral-message.ts'
import type { Handler, Sender } from './handlers/handler.ts'
import { snapshot } from './handlers/snapshot.ts'
import { update } from './handlers/update.ts'
import type { HookContext, Hooks } from '../hooks.ts'
import type { Limits } from '../options.ts'
import { unauthorized } from '../protocol/answers.ts'
import { kindOf, type ClientMessage, type MessageChecks, type MessageKind } from '../protocol/messages.ts'
import { verifySignature } from '../protocol/signature.ts'
import type { Room } from '../document/room.ts'

export interface MessageSettings {
  access: Access
  checks: MessageChecks
  documentIds: DocumentIds
  hooks: Hooks
  limits: Limits
}

type AnyHandler = Handler<ClientMessage>

// Each handler takes the message that its check let through.
const handlers = { snapshot, update, ephemeralMessage } as Record<MessageKind, AnyHandler>

/**
 * The life of a message up to its handler, with the stages of a Fastify request. Resolves when the connection's next one may
 * follow, which is before it is stored: so the room can write several at once, in the order in which they came.
 */
export async function receive (inbound: Inbound, connection: Connection, room: Room, settings: MessageSettings): Promise<void> {
  const { data, isBinary, heard } = inbound
  const { access, checks, documentIds, hooks, limits } = settings
  const { documentId, websocketSessionKey, request } = connection
  const context: HookContext = { documentId, websocketSessionKey, request, message: data }
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
    const { pubKey: publicKey } = message.publicData
    connection.invalidMessages = 0
    connection.addAuthor(publicKey)
    context.publicKey = publicKey

    if (hooks.has('preHandler')) await hooks.run('preHandler', context)
    if (!await access.can({ action: handler.action, documentId, publicKey, websocketSessionKey, request })) {
      throw new Unauthorized(handler.action)
    }
    // Its room may have ended meanwhile, and another one begun.
    if (connection.closed) throw new ConnectionClosed()
  } catch (error) {
    // A hook may have ended it before it was parsed: its sender must hear of it all the same.
    if (context.action === undefined && !isGarbage(error) && !(error instanceof MessageTooBig)) Object.assign(context, tryToParse(data))
    if (!ends(error, connection, limits)) {
      // Answered behind what was handed over before: a client that hears of a failure takes that back, too.
      await room.turn()
      answer(error, context, { connection, heard })
      if (error instanceof DocumentIdMismatch && documentIds.learn(request, websocketSessionKey, error.documentId)) {
        // The published client takes the changes of a refused snapshot back when it has read the refusal: it loses them if the line ends before.
        setTimeout(() => connection.close(closeCodes.tryAgainLater, 'another document id'), 1000).unref()
      }
    }
    await fail(error, context, connection, hooks)
    connection.answered(data.length)
    return
  }

  const onSend = hooks.has('onSend') ? () => sending(context, connection, hooks) : undefined
  // Called now, for the order; whatever it throws is a rejection.
  const answered = (async () => handler.handle(message, { connection, heard }, room, onSend))()
  answered
    .then(() => hooks.run('onResponse', context))
    .catch((error: unknown) => fail(error, context, connection, hooks))
    .finally(() => connection.answered(data.length))
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

function tryToParse (data: Buffer): Pick<HookContext, 'action' | 'message'> {
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
  } else if (isGarbage(error) && ++connection.invalidMessages >= limits.maxInvalidMessages) {
    connection.close(closeCodes.policyViolation, 'too many invalid messages')
  }
  return connection.closed
}

function answer (error: unknown, { action, message }: HookContext, sender: Sender): void {
  Object.values(handlers).find((handler) => handler.action === action)?.refuse(message, sender, error)
}

/** What no client ever sends. */
function isGarbage (error: unknown): boolean {
  return error instanceof MessageInvalid || error instanceof DocumentIdMismatch || error instanceof SignatureInvalid
}

/** A relay is not ended by its hooks: what is stored must reach everybody. */
async function sending (context: HookContext, connection: Connection, hooks: Hooks): Promise<void> {
  try {
    await hooks.run('onSend', context)
  } catch (error) {
    await fail(error, context, connection, hooks)
  }
}

/** Reports a message that failed. */
export async function fail (error: unknown, context: HookContext, connection: Connection, hooks: Hooks): Promise<void> {
  connection.log[levelOf(error)]({ err: error, action: context.action }, 'secsync: a message was refused')
  try {
    await hooks.run('onError', { ...context, error })
  } catch (err) {
    connection.log.error({ err }, 'secsync: an onError hook failed')
  }
}

/** As in Fastify, what the client did wrong is information, what we did is an error. Conflicts are a part of working together. */
function levelOf (error: unknown): 'debug' | 'info' | 'error' {
  if (isConflict(error)) return 'debug'
  const { statusCode = 500 } = error as { statusCode?: number }
  return statusCode < 500 ? 'info' : 'error'
}
