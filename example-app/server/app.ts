import { fileURLToPath } from 'node:url'
import createError from '@fastify/error'
import helmet from '@fastify/helmet'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { PrismaPg } from '@prisma/adapter-pg'
import { Type } from '@sinclair/typebox'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import secsync, { postgresBus } from 'fastify-secsync'
import { migrate } from 'fastify-secsync/migrate'
import { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import { hasAccess, Members } from './access.ts'
import { PrismaFiles, removeUnfinishedFiles } from './files.ts'
import { Invitations } from './invitations.ts'
import { defaultLimits, type Limits } from './limits.ts'
import { RefusedSnapshots } from './new-snapshot.ts'
import { Prisma, PrismaClient } from './prisma-client/client.ts'
import { Quota } from './quota.ts'
import { limitRates } from './rates.ts'
import authors from './routes/authors.ts'
import documents from './routes/documents.ts'
import files from './routes/files.ts'
import health from './routes/health.ts'
import invitations from './routes/invitations.ts'
import keys from './routes/keys.ts'
import members from './routes/members.ts'
import owner from './routes/owner.ts'
import sessions from './routes/sessions.ts'
import stored from './routes/stored.ts'
import transfers from './routes/transfers.ts'
import { endSessions } from './session-end.ts'
import { authenticate, authenticateWebSocket, Sessions } from './sessions.ts'
import { Sockets } from './sockets.ts'
import { removeExpiredTransfers, Transfers } from './transfers.ts'
import web from './web.ts'

const Busy = createError('APP_BUSY', 'The server has too much to do at the moment. Try again', 503)
const NotFound = createError('APP_NOT_FOUND', 'There is nothing at this address', 404)

export interface AppOptions {
  /** A PostgreSQL. It is migrated. */
  connectionString: string
  /** What carries messages to other processes that serve that database: a Redis, or a PostgreSQL. */
  busUrl?: string | undefined
  /** Where the plugin counts. */
  metrics?: Registry | undefined
  logLevel: string
  /** @default those of limits.ts */
  limits?: Limits
  /** Log lines for people instead of JSON. */
  pretty?: boolean
}

export async function buildApp ({ connectionString, busUrl, metrics, logLevel, limits = defaultLimits, pretty = false }: AppOptions): Promise<FastifyInstance> {
  // The tables of the plugin, then those of the app.
  await migrate({ adapter: new PrismaPg({ connectionString }) })
  await migrate({ adapter: new PrismaPg({ connectionString }), migrationsDirectory: fileURLToPath(new URL(migrations, import.meta.url)) })

  const app = Fastify({
    logger: {
      level: logLevel,
      serializers: { req: serializeRequest },
      // Where @fastify/websocket and Fastify log a whole URL or the bytes of a request.
      redact: ['path', 'err.rawPacket'],
      ...pretty && { transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } }
    },
    http: {
      // A client that comes back tells the clock of every author in the URL: Node's 16 KB end at some two hundred.
      maxHeaderSize: 256 * 1024,
      // Of this and of `requestTimeout`, Node.js takes the longer one for the request. It refuses more than 300 s here.
      headersTimeout: Math.min(limits.REQUEST_TIMEOUT, 300) * 1000,
      connectionsCheckingInterval: Math.min(limits.REQUEST_TIMEOUT, 10) * 1000
    },
    // From its first byte to its last.
    requestTimeout: limits.REQUEST_TIMEOUT * 1000,
    bodyLimit: 16 * 1024,
    ...limits.TRUST_PROXY !== undefined && { trustProxy: limits.TRUST_PROXY },
    routerOptions: { maxParamLength: 1024 }
  }).withTypeProvider<TypeBoxTypeProvider>()

  // One client for the plugin and for the app. The plugin writes with up to 8 connections at once.
  const prisma = new PrismaClient({
    adapter: new PrismaPg({ connectionString, max: 15, connectionTimeoutMillis: 5000, query_timeout: 30_000 }, {
      onPoolError: (err) => app.log.warn({ err }, 'a connection to the database was lost')
    }),
    // Those who join one document at the same moment wait for each other.
    transactionOptions: { maxWait: 5000, timeout: 15_000 }
  })

  const redis = busUrl?.startsWith('redis') ? new Redis(busUrl) : undefined
  // The plugin logs when it is away.
  redis?.on('error', () => {})

  app.decorate('prisma', prisma)
  app.decorate('sessions', new Sessions(prisma, { idleDays: limits.SESSION_IDLE_DAYS, maxDays: limits.SESSION_MAX_DAYS }))
  app.decorate('members', new Members(prisma, limits, (memberId) => app.rates.creation(memberId)))
  app.decorate('invitations', new Invitations(prisma, app.members, limits))
  app.decorate('quota', new Quota(prisma, limits))
  app.decorate('files', new PrismaFiles(prisma, limits))
  app.decorate('sockets', new Sockets(limits))
  app.decorate('transfers', new Transfers(prisma))
  app.decorate('refusedSnapshots', new RefusedSnapshots(prisma))
  app.decorateRequest('member', null)
  app.decorateRequest('role', null)
  app.addHook('onClose', async () => {
    app.sessions.close()
    app.members.close()
    app.quota.close()
    app.refusedSnapshots.close()
    redis?.disconnect()
    await prisma.$disconnect()
  })

  await app.sessions.hashPlainKeys()

  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurityPolicy },
    strictTransportSecurity: limits.HSTS_MAX_AGE > 0 && { maxAge: limits.HSTS_MAX_AGE }
  })
  await limitRates(app, limits)

  await app.register(secsync, {
    prefix: '/documents',
    prisma,
    ...redis ? { redis } : busUrl !== undefined && { bus: postgresBus(busUrl) },
    ...metrics && { metrics },
    preHandler: authenticateWebSocket,
    hasAccess: hasAccess(app.members, app.sessions),
    hasQuota: app.quota.hasQuota,
    history: true,
    limits: { maxMessageSize: limits.MAX_MESSAGE_BYTES, maxMessagesPerSecond: limits.MESSAGES_PER_SECOND },
    // Which key a snapshot is encrypted with. Clients that never change the key leave it out.
    additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.Optional(Type.String({ maxLength: 64 })) }) }
  })
  app.secsync.addHook('preHandler', app.quota.hook)
  app.secsync.addHook('preHandler', app.refusedSnapshots.hook)

  const ending = endSessions(app, () => app.sockets.sessions)
  app.addHook('onClose', async () => ending.stop())
  const removing = removeUnfinishedFiles(app)
  app.addHook('onClose', async () => removing.stop())
  const forgetting = removeExpiredTransfers(app)
  app.addHook('onClose', async () => forgetting.stop())

  // What goes wrong in here, in the words of a database or of anybody else, is for the log.
  app.setErrorHandler<FastifyError>(async (error, request, reply) => {
    // Such as APP_STORAGE_FULL, which is 507.
    if ((error.statusCode ?? 500) < 500 || error.code?.startsWith('APP_')) return error
    if (isBusy(error)) {
      request.log.warn({ err: error }, 'The database is busy')
      reply.header('retry-after', 1)
      return new Busy()
    }
    request.log.error({ err: error }, 'A request has failed')
    return await reply.code(500).send({ statusCode: 500, error: 'Internal Server Error', message: 'Something went wrong' })
  })
  // Fastify's own would log the whole URL.
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, () => { throw new NotFound() })
  app.register(health)
  app.register(sessions, { prefix: '/api' })
  app.register(transfers, { prefix: '/api' })
  app.register(async (api) => {
    api.addHook('onRequest', authenticate)
    api.addHook('onRequest', app.rates.ofMember)
    api.register(authors)
    api.register(documents)
    api.register(files)
    api.register(invitations)
    api.register(members)
    api.register(owner)
    api.register(keys)
    api.register(stored)
  }, { prefix: '/api' })
  app.register(web)
  return app
}

// The same file runs from server/ in tests and from dist/server/.
const migrations = import.meta.url.endsWith('.ts') ? '../prisma/migrations' : '../../prisma/migrations'

const contentSecurityPolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  // Images of documents are decrypted in the page. No other server is asked for one.
  imgSrc: ["'self'", 'blob:'],
  fontSrc: ["'self'"],
  // Includes the WebSocket to this server.
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
  manifestSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"]
}

/** Like Fastify's own, but for what lets people in: session keys in the query, also of a wrong address, invitations and transfers. */
function serializeRequest (request: FastifyRequest) {
  const url = request.url.replace(/[?#;].*/s, '').replace(/(\/(invitations|transfers)\/).+/, '$1…')
  return { method: request.method, url, host: request.host, remoteAddress: request.ip }
}

declare module 'fastify' {
  interface FastifyInstance { prisma: PrismaClient }
}

/** Whether a transaction waited too long for others, or a query for a connection to the database, which pg says only in words. */
function isBusy (error: unknown): boolean {
  return (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2028') ||
    (error instanceof Error && error.message === 'timeout exceeded when trying to connect')
}
