import { PrismaPg } from '@prisma/adapter-pg'
import Fastify from 'fastify'
import t from 'tap'
import secsync from '../lib/index.ts'
import { Log } from './fixtures/log.ts'

t.test('a database that does not close within drainTimeout is left to itself, and the log says so', async (t) => {
  const answer = { columnNames: ['encoding', 'missing'], columnTypes: [], rows: [['UTF8', null]] }
  const adapter = Object.assign(new PrismaPg({ connectionString: 'postgresql://127.0.0.1:1/none' }), {
    connect: async () => ({ queryRaw: async () => answer, dispose: () => new Promise(() => {}) })
  })
  const log = new Log()
  const app = Fastify(log.options)
  await app.register(secsync, { hasAccess: () => true, adapter, limits: { drainTimeout: 1 } })
  await app.ready()
  // Nothing else keeps this process alive: time limits do not.
  const keepAlive = setInterval(() => {}, 1000)
  await app.close()
  clearInterval(keepAlive)
  t.match(log.lines.filter(({ level }) => level > 30), [{ level: 40, msg: 'secsync: the store did not close', err: { code: 'FST_SECSYNC_CALLBACK_TIMEOUT' } }])
})
