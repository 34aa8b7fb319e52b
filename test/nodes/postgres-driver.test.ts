import { register } from 'node:module'
import Fastify from 'fastify'
import t from 'tap'
import secsync, { postgresBus } from '../../lib/index.ts'
import { memoryStore } from '../fixtures/server.ts'

t.test('without the package pg, registration fails and says what to install', async (t) => {
  const hooks = `export async function resolve (name, context, next) {
    if (name === 'pg') throw new Error('Cannot find package')
    return await next(name, context)
  }`
  register(`data:text/javascript,${encodeURIComponent(hooks)}`)
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(async () => await app.register(secsync, { hasAccess: () => true, ...memoryStore(), bus: postgresBus('postgres://localhost') }), {
    code: 'FST_SECSYNC_POSTGRES_DRIVER_MISSING', message: /npm install pg/
  })
})
