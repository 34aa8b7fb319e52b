import { Type } from '@sinclair/typebox'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type FastifyError } from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import secsync, { type SecsyncOptions } from '../lib/index.ts'
import { resolveOptions } from '../lib/options.ts'
import { Log } from './fixtures/log.ts'
import { memoryStore } from './fixtures/server.ts'

// Nothing connects: registration is all that is tested here.
const adapter = new PrismaPg({ connectionString: 'postgresql://127.0.0.1:1/none' })
const { documents: _, ...store } = memoryStore()
const hasAccess = () => true

/** Registers the plugin and gives the error, if there is one. */
async function errorOf (options: object): Promise<FastifyError | undefined> {
  const app = Fastify()
  try {
    await app.register(secsync, options as SecsyncOptions)
  } catch (error) {
    return error as FastifyError
  } finally {
    await app.close()
  }
}

t.test('without hasAccess there is no registration, and the error says what to write', async (t) => {
  for (const options of [{ adapter }, { ...store }, {}]) {
    const error = await errorOf(options)
    t.equal(error?.code, 'FST_SECSYNC_HAS_ACCESS_MISSING')
    t.match(error?.message, 'hasAccess: ({ action, documentId, request }) => ')
    t.match(error?.message, 'hasAccess: () => true')
  }
})

t.test('with neither a database nor all three stores there is no registration, and the error says what is missing', async (t) => {
  const names = ['getDocument', 'createSnapshot', 'createUpdate'] as const
  for (let given = 0; given < 7; given++) {
    const missing = names.filter((_name, index) => (given & 1 << index) === 0)
    const options = Object.fromEntries(names.filter((name) => !missing.includes(name)).map((name) => [name, store[name]]))
    const error = await errorOf({ hasAccess, ...options })
    t.equal(error?.code, 'FST_SECSYNC_STORE_MISSING')
    t.match(error?.message, 'adapter: new PrismaPg({ connectionString })')
    t.match(error?.message, 'prisma: your own PrismaClient')
    t.match(error?.message, `Missing: adapter or prisma, or ${missing.join(' and ')}.`)
  }
})

t.test('an option of a wrong type is an error that names it and says what to write', async (t) => {
  const model = { $queryRaw () {} }
  const table: Array<[option: string, advice: string, ...wrong: unknown[]]> = [
    ['prefix', "a path that begins with a slash, for instance '/documents'", 'documents', 1, null],
    ['hasAccess', 'a function that returns true or false', true, 'yes', null],
    ['hasBroadcastAccess', 'a function that returns an array with true or false for each of websocketSessionKeys', true, []],
    ['getDocument', 'a function that returns { snapshot, snapshotProofChain, updates }', {}, null],
    ['createSnapshot', 'a function that stores a snapshot and returns it', 'function', null],
    ['createUpdate', 'a function that stores an update and returns it', 1, null],
    ['adapter', 'new PrismaPg({ connectionString }) from @prisma/adapter-pg', 'postgresql://localhost/db', {}, null],
    ['prisma', 'a PrismaClient', {}, 'client', null, { ...model, $queryRaw: 1 }],
    ['redis', 'a Redis or a Cluster of ioredis, for instance new Redis(process.env.REDIS_URL)', 'redis://localhost', {}, null, { publish () {}, duplicate () {} }],
    ['bus', 'postgresBus(…), or an object with publish(channel, message), subscribe(channel, subscriber) and close(), or a function that returns one',
      'postgres://localhost', { publish () {}, subscribe () {} }, { publish () {}, subscribe () {}, close () {}, maxMessageLength: 100 }, null],
    ['metrics', 'a Registry of prom-client, or a meter of OpenTelemetry', true, {}, { registerMetric () {} }, null],
    ['tracer', "a tracer of OpenTelemetry, for instance trace.getTracer('app')", true, {}, null],
    ['onRequest', 'a Fastify hook or an array of them', 'hook', [1], null],
    ['preValidation', 'a Fastify hook or an array of them', {}],
    ['preHandler', 'a Fastify hook or an array of them', [null]],
    ['additionalAuthenticationDataValidations', '{ snapshot: Type.Object({ keyId: Type.String() }) }', 'schema', [], null],
    ['limits', 'maxMessageSize, maxQueuedMessages', 1, [], null]
  ]
  for (const [option, advice, ...wrong] of table) {
    for (const value of wrong) {
      const error = await errorOf({ hasAccess, ...store, [option]: value })
      t.equal(error?.code, 'FST_SECSYNC_OPTION_INVALID', `${option}: ${JSON.stringify(value)}`)
      t.match(error?.message, `The option ${option} is invalid: must `)
      t.match(error?.message, advice)
    }
  }
})

t.test('adapter and prisma together are an error: one of the two is enough', async (t) => {
  const prisma = { $queryRaw () {}, secsyncDocument: {}, secsyncSnapshot: {}, secsyncUpdate: {}, secsyncDeletion: {} }
  const error = await errorOf({ hasAccess, adapter, prisma })
  t.equal(error?.code, 'FST_SECSYNC_OPTION_INVALID')
  t.match(error?.message, 'pass one of the two')
})

t.test('redis and bus together are an error: one of the two is enough', async (t) => {
  const bus = { publish () {}, subscribe () {}, close () {} }
  const error = await errorOf({ hasAccess, ...store, bus, redis: new Redis({ lazyConnect: true }) })
  t.equal(error?.code, 'FST_SECSYNC_OPTION_INVALID')
  t.match(error?.message, 'pass one of the two')
})

t.test("a PrismaClient without this package's models is an error that says where to find them", async (t) => {
  const models = ['secsyncDocument', 'secsyncSnapshot', 'secsyncUpdate', 'secsyncDeletion']
  for (const missing of models) {
    const present = Object.fromEntries(models.filter((name) => name !== missing).map((name) => [name, {}]))
    const prisma = { $queryRaw () {}, ...present }
    const error = await errorOf({ hasAccess, prisma })
    t.equal(error?.code, 'FST_SECSYNC_PRISMA_MODELS_MISSING')
    t.match(error?.message, `has no model ${missing}`)
    t.match(error?.message, 'fastify-secsync/prisma/schema.prisma')
  }
})

t.test('a limit that is none is named, with what it may be', async (t) => {
  for (const [limits, message] of [
    [{ maxMessageSize: '16mb' }, 'The option limits.maxMessageSize is invalid: must be an integer of at least 1024.'],
    [{ maxMessageSize: 1 }, 'The option limits.maxMessageSize is invalid: must be an integer of at least 1024.'],
    [{ drainTimeout: 0.5 }, 'The option limits.drainTimeout is invalid: must be an integer from 1 to 2147483647.'],
    [{ callbackTimeout: Infinity }, 'The option limits.callbackTimeout is invalid: must be an integer from 1 to 2147483647.'],
    [{ heartbeatInterval: 0 }, 'The option limits.heartbeatInterval is invalid: must be an integer from 100 to 2147483647.'],
    [{ max: 1 }, /^The option limits\.max is invalid: is unknown\. The limits are maxMessageSize, maxQueuedMessages, /],
    [{ maxMesageSize: 2048 }, 'Unknown option limits.maxMesageSize. Did you mean limits.maxMessageSize?']
  ] as const) t.match((await errorOf({ hasAccess, ...store, limits }))?.message, message)
})

t.test('a name that is not known is an error that says which one was meant', async (t) => {
  for (const [name, advice] of [
    ['hasAcces', 'Did you mean hasAccess?'], ['getdocument', 'Did you mean getDocument?'], ['prehandler', 'Did you mean preHandler?'],
    ['limit', 'Did you mean limits?'], ['redisClient', 'Did you mean redis?'], ['prismaClient', 'Did you mean prisma?']
  ] as const) {
    const error = await errorOf({ hasAccess, ...store, [name]: () => true })
    t.equal(error?.code, 'FST_SECSYNC_OPTION_UNKNOWN')
    t.match(error?.message, `Unknown option ${name}. ${advice}`)
  }
})

t.test('options of others are named in the log', async (t) => {
  const log = new Log()
  const app = Fastify(log.options)
  t.teardown(() => app.close())
  await app.register(secsync, { hasAccess, ...memoryStore(), skipOverride: true } as SecsyncOptions)
  t.match(log.lines.find(({ msg }) => msg.includes('unknown options')), { level: 30, options: ['documents', 'skipOverride'] })
})

t.test('schemas that TypeBox 0.34 did not make are refused', async (t) => {
  // As `Type.Object()` of the package `typebox` 1.x makes them: JSON Schema, and properties that nobody sees.
  const other = Object.defineProperty({ type: 'object', required: [], properties: {} }, '~kind', { value: 'Object' })
  for (const [name, schema] of [
    ['snapshot', other], ['update', Type.String()], ['ephemeralMessage', {}], ['snapshot', Type.Object({ keyId: other as never })], ['update', null]
  ] as const) {
    const error = await errorOf({ hasAccess, ...store, additionalAuthenticationDataValidations: { [name]: schema } })
    t.equal(error?.code, 'FST_SECSYNC_OPTION_INVALID')
    t.match(error?.message, `additionalAuthenticationDataValidations.${name} is invalid: must be an object schema of the npm package @sinclair/typebox 0.34`)
  }
  const error = await errorOf({ hasAccess, ...store, additionalAuthenticationDataValidations: { updates: Type.Object({}) } })
  t.equal(error?.message, 'Unknown option additionalAuthenticationDataValidations.updates. Did you mean additionalAuthenticationDataValidations.update?')
  const unknown = await errorOf({ hasAccess, ...store, additionalAuthenticationDataValidations: { document: Type.Object({}) } })
  t.match(unknown?.message, 'additionalAuthenticationDataValidations.document is invalid: is unknown. The names are snapshot, update, ephemeralMessage')
})

t.test('a schema in the connection string, which the adapter would leave aside, is an error that says where it belongs', async (t) => {
  const url = 'postgresql://127.0.0.1:1/none'
  t.match((await errorOf({ hasAccess, adapter: new PrismaPg({ connectionString: `${url}?a=b&schema=mine` }) }))?.message,
    "Write new PrismaPg({ connectionString }, { schema: 'mine' })")
  for (const adapter of [new PrismaPg({ connectionString: `${url}?schema=public` }), new PrismaPg(`${url}?schema=mine`, { schema: 'mine' })]) {
    t.equal(await errorOf({ hasAccess, adapter }), undefined)
  }
})

t.test('bigger messages have more time', (t) => {
  const timeOf = (limits: SecsyncOptions['limits']) => resolveOptions({ hasAccess, ...store, limits }).limits.callbackTimeout
  t.equal(timeOf(undefined), 10_000)
  t.equal(timeOf({ maxMessageSize: 256 * 2 ** 20 }), 65_536)
  t.equal(timeOf({ maxMessageSize: 256 * 2 ** 20, callbackTimeout: 1000 }), 1000)
  t.equal(timeOf({ maxMessageSize: Number.MAX_SAFE_INTEGER }), 2 ** 31 - 1)
  t.end()
})

t.test('every option but hasAccess may be undefined', async (t) => {
  const nothing: Required<{ [Name in Exclude<keyof SecsyncOptions, 'hasAccess' | 'prefix' | 'logLevel' | 'logSerializers'>]: undefined }> = {
    hasBroadcastAccess: undefined,
    getDocument: undefined,
    createSnapshot: undefined,
    createUpdate: undefined,
    adapter: undefined,
    prisma: undefined,
    redis: undefined,
    bus: undefined,
    metrics: undefined,
    tracer: undefined,
    onRequest: undefined,
    preValidation: undefined,
    preHandler: undefined,
    additionalAuthenticationDataValidations: undefined,
    documentCallbacks: undefined,
    hasQuota: undefined,
    retention: undefined,
    history: undefined,
    limits: undefined
  }
  const { hasBroadcastAccess, adapter: none, ...rest } = nothing
  const options: SecsyncOptions = { ...rest, hasBroadcastAccess, adapter, hasAccess }
  t.equal(none, undefined)
  t.equal(await errorOf(options), undefined)
  t.equal(await errorOf({ ...options, limits: { maxMessageSize: undefined }, additionalAuthenticationDataValidations: { snapshot: undefined } }), undefined)
  // @ts-expect-error a misspelt name is an error of the compiler, too
  const misspelt: SecsyncOptions = { hasAccess, hasAcess: hasAccess }
  t.ok(await errorOf(misspelt))
})

t.test('options of the right types are taken', async (t) => {
  const hook = async () => {}
  for (const options of [
    { ...store },
    { ...store, prefix: '' },
    { ...store, prefix: '/a/b', onRequest: hook, preValidation: [hook, hook], preHandler: [] },
    { ...store, hasBroadcastAccess: () => [], limits: {} },
    { ...store, limits: { maxMessageSize: 1024, maxQueuedMessages: 1, heartbeatInterval: 100 } },
    { ...store, additionalAuthenticationDataValidations: { snapshot: Type.Object({ keyId: Type.String() }), update: Type.Object({}) } },
    { ...store, limits: undefined, prefix: undefined, adapter: undefined, prisma: undefined },
    { ...store, adapter },
    { ...store, bus: () => ({ publish: async () => {}, subscribe: () => () => {}, close: async () => {} }) },
    { ...store, bus: { publish: async () => {}, subscribe: () => () => {}, close: async () => {} } },
    { getDocument: store.getDocument, adapter }
  ]) t.equal(await errorOf({ hasAccess, ...options }), undefined)
})

t.test('a function that makes no bus is an error', async (t) => {
  const bus = (() => ({ publish () {} })) as never
  const error = await errorOf({ hasAccess, ...store, bus })
  t.equal(error?.code, 'FST_SECSYNC_OPTION_INVALID')
  t.match(error?.message, 'subscribe(channel, subscriber)')
})
