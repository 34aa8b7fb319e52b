import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, FastifySchemaCompiler, RouteShorthandOptions } from 'fastify'
import type { WebSocket } from 'ws'
import type { Documents } from '../documents/documents.ts'
import { historySchema, snapshotSchema, type HistoryParams, type HistoryQuerystring, type SnapshotParams } from '../documents/history-schemas.ts'
import { DocumentNotFound, HistoryUnavailable, SessionKeyMissing, SnapshotNotFound } from '../errors.ts'
import type { HistoryOptions } from '../options.ts'
import { Value, type TSchema } from '../protocol/typebox.ts'
import { withinTimeLimit } from '../stores/time-limit.ts'
import { Downloads, type DownloadLimits } from './downloads.ts'
import { readHandshakeUrl } from './handshake-url.ts'
import { identify, type IdentifySettings } from './identify.ts'

export interface HistorySettings extends Pick<IdentifySettings, 'access' | 'hooks'> {
  documents: Pick<Documents, 'history'>
  /** The JSON of a snapshot. */
  readSnapshot (documentId: string, snapshotId: string): Promise<string | undefined>
  timeLimit: number
  downloads?: DownloadLimits | undefined
  /** Of the WebSocket route: an id that ends with `/snapshots` may be in the URL of a handshake. */
  route: RouteShorthandOptions
  wsHandler (socket: WebSocket, request: FastifyRequest): void
}

/** The suffixes of the routes behind the prefix. `handshake-url.ts` knows them. */
const paths = { history: '/:documentId/snapshots', snapshot: '/:documentId/snapshots/:snapshotId' }

/** `GET {prefix}/{documentId}/snapshots` and `/{snapshotId}`: ciphertext and public data, for whoever may read the document. */
export function addHistoryRoutes (scope: FastifyInstance, options: HistoryOptions, settings: HistorySettings): void {
  const { documents, readSnapshot, timeLimit, downloads: limits = { max: 16, time: 120_000 }, wsHandler } = settings
  const downloads = new Downloads(limits)
  const route = {
    ...settings.route,
    ...options.config && { config: options.config },
    onRequest: both(settings.route.onRequest, options.onRequest),
    preValidation: both(settings.route.preValidation, options.preValidation),
    preHandler: both(settings.route.preHandler, options.preHandler),
    validatorCompiler,
    // The schemas of responses describe them. Fields that the application adds to public data and to errors are sent as they are.
    serializerCompiler: () => (value: unknown) => JSON.stringify(value instanceof Error ? visible(value) : value),
    method: 'GET',
    wsHandler
  } as const

  scope.route<{ Params: HistoryParams, Querystring: HistoryQuerystring }>({
    ...route,
    url: paths.history,
    schema: historySchema,
    handler: async (request, reply) => await answered(request, reply, async () => {
      const { limit, before } = request.query
      const documentId = await documentIdOf(request, request.params, settings)
      const query = { ...limit !== undefined && { limit }, ...before !== undefined && { before } }
      const page = await withinTimeLimit('history', timeLimit, async () => await documents.history(documentId, query))
      if (page === undefined) throw new DocumentNotFound()
      return await reply.header('cache-control', 'private, no-cache').send(page)
    })
  })

  scope.route<{ Params: SnapshotParams }>({
    ...route,
    url: paths.snapshot,
    schema: snapshotSchema,
    handler: async (request, reply) => await answered(request, reply, async () => {
      const documentId = await documentIdOf(request, request.params, settings)
      downloads.begin(reply)
      const snapshot = await withinTimeLimit('snapshot', timeLimit, async () => await readSnapshot(documentId, request.params.snapshotId))
      if (snapshot === undefined) throw new SnapshotNotFound()
      const etag = `"${signatureIn(snapshot)}"`
      // Under one id a document never has two snapshots.
      reply.header('cache-control', 'private, max-age=31536000, immutable').header('etag', etag)
      if (matches(request.headers['if-none-match'], etag)) return await reply.code(304).send()
      return await reply.type('application/json; charset=utf-8').send(snapshot)
    })
  })
}

/** Whether the wildcard route got the URL of a history: Fastify matches no parameter that is longer than its `maxParamLength`. */
export function isLongHistoryUrl ({ url }: FastifyRequest): boolean {
  return /\/snapshots(?:\/[^/?#]*)?(?:[?#]|$)/.test(url)
}

async function documentIdOf (request: FastifyRequest, { documentId }: HistoryParams, { access, hooks }: HistorySettings): Promise<string> {
  const { sessionKeys } = readHandshakeUrl(request)
  if (sessionKeys.length === 0) throw new SessionKeyMissing()
  const context = { documentId, websocketSessionKey: sessionKeys[0] ?? '', request, action: 'read' } as const
  // The id is percent-encoded here, which leaves one reading.
  return (await identify(context, sessionKeys, () => [documentId], { access, hooks, isStored: async () => true })).documentId
}

/** Errors of the client are answered as they are. Others may have internal text: they are logged, and the answer is a general one. */
async function answered (request: FastifyRequest, reply: FastifyReply, answer: () => Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await answer()
  } catch (error) {
    const { statusCode = 500 } = error as { statusCode?: number }
    if (statusCode < 500) throw error
    if (!(error instanceof HistoryUnavailable)) request.log.error({ err: error }, 'secsync: a request of the history failed')
    reply.header('retry-after', '5')
    const { code, message } = new HistoryUnavailable()
    return await reply.code(503).send({ statusCode: 503, code, error: STATUS_CODES[503], message })
  }
}

/** The properties that Fastify gives to an error for its answer. They are not its own. */
function visible ({ statusCode, code, error, message }: Error & { statusCode?: number, code?: string, error?: string }): object {
  return { statusCode, code, error, message }
}

/** The validator of the application may be one of another library. Texts of the URL are converted to numbers. */
const validatorCompiler: FastifySchemaCompiler<FastifySchema> = ({ schema: ofRoute, httpPart }) => (data: unknown) => {
  const schema = ofRoute as TSchema
  const value = Value.Convert(schema, data)
  if (Value.Check(schema, value)) return { value }
  const error = Value.Errors(schema, value).First()
  return { error: new Error(`${httpPart}${error?.path}: ${error?.message}`) }
}

type Hooks = RouteShorthandOptions['preHandler']

function both (...hooks: Hooks[]): NonNullable<Extract<Hooks, unknown[]>> {
  return hooks.flatMap((hook) => hook ?? [])
}

/** A signature has 86 characters. Stores give it at the end, callbacks anywhere. */
function signatureIn (snapshot: string): string {
  const [, atEnd] = /"signature":"([\w-]+)"\}$/.exec(snapshot.slice(-120)) ?? []
  return atEnd ?? (JSON.parse(snapshot) as { signature: string }).signature
}

function matches (ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*') ?? false
}
