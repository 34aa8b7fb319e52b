import { Type } from '@sinclair/typebox'
import { PrismaPg } from '@prisma/adapter-pg'
import Fastify, { type FastifyError } from 'fastify'
import { Redis } from 'ioredis'
import t from 'tap'
import secsync, { type SecsyncOptions } from '../lib/index.ts'
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
    ['redis', 'a client of ioredis for one server, for instance new Redis(process.env.REDIS_URL)', 'redis://localhost', {}, null,
      { publish () {}, duplicate () {} }, { publish () {}, duplicate () {}, status: 'wait', isCluster: true }],
    ['bus', 'an object with publish(channel, message), subscribe(channel, subscriber) and close()', () => {}, { publish () {}, subscribe () {} }, null],
    ['onRequest', 'a Fastify hook or an array of them', 'hook', [1], null],
    ['preValidation', 'a Fastify hook or an array of them', {}],
    ['preHandler', 'a Fastify hook or an array of them', [null]],
    ['additionalAuthenticationDataValidations', '{ update: Type.Object({ keyId: Type.String() }) }',
      { update: Type.String() }, { update: {} }, { updates: Type.Object({}) }, Type.Object({}), [], null],
    ['limits', 'maxMessageSize, maxQueuedMessages',
      { maxMessageSize: 1 }, { maxMessageSize: '1024' }, { heartbeatInterval: 0 }, { drainTimeout: 0.5 }, { callbackTimeout: Infinity }, { callbackTimeout: 2 ** 31 }, { max: 1 }, [], null]
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
  const prisma = { $queryRaw () {}, secsyncDocument: {}, secsyncSnapshot: {}, secsyncUpdate: {} }
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
  const models = ['secsyncDocument', 'secsyncSnapshot', 'secsyncUpdate']
  for (const missing of models) {
    const present = Object.fromEntries(models.filter((name) => name !== missing).map((name) => [name, {}]))
    const prisma = { $queryRaw () {}, ...present }
    const error = await errorOf({ hasAccess, prisma })
    t.equal(error?.code, 'FST_SECSYNC_PRISMA_MODELS_MISSING')
    t.match(error?.message, `has no ${missing} model`)
    t.match(error?.message, 'fastify-secsync/prisma/schema.prisma')
  }
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
    { ...store, bus: { publish: async () => {}, subscribe: () => () => {}, close: async () => {} } },
    { getDocument: store.getDocument, adapter }
  ]) t.equal(await errorOf({ hasAccess, ...options }), undefined)
})
