// All routes with all of their text fields, as their schemas say them: a new route is walked, too.
import diagnostics from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import t from 'tap'
import { WebSocket as WebSocketOfNode } from 'ws'
import { buildApp } from '../../example-app/server/app.ts'
import { defaultLimits } from '../../example-app/server/limits.ts'
import { createDatabase } from '../fixtures/postgres.ts'

const { connectionString } = await createDatabase(t, { migrated: false })
const routes: RouteOptions[] = []
const collect = (message: unknown) => {
  (message as { fastify: FastifyInstance }).fastify.addHook('onRoute', (route) => { if (!/HEAD|OPTIONS/.test(String(route.method))) routes.push(route) })
}
diagnostics.subscribe('fastify.initialization', collect)
const many = 1_000_000
const limits = { ...defaultLimits, REQUESTS_PER_MINUTE: many, SESSIONS_PER_HOUR: many, CREATIONS_PER_HOUR: many, MAX_DOCUMENTS: many }
const app = await buildApp({ connectionString, logLevel: 'silent', limits })
diagnostics.unsubscribe('fastify.initialization', collect)
t.teardown(() => app.close())
await app.ready()

const awkwardTexts = [
  '', ' ', '\0', 'a\0b', '\ud800', '\udfff\ud800', '\u202egnp.exe', '\u2066\u202b', '\u200b\u200d\ufeff\u2060', '%', '%00', '..', '\'', '"\\\n',
  '-1', '1e999', '__proto__', 'ß'.repeat(2000)
]
const awkwardValues = [...awkwardTexts, 'a'.repeat(1_000_000), null, -1, 1e308, [], {}, ['a', 'b'], JSON.parse('{"__proto__":{"a":1}}')] as unknown[]

/** What each field has while another is tried. */
const usual: Record<string, string> = { id: 'awkward', documentId: 'awkward', role: 'editor', keyId: 'a', box: 'a', number: '0', name: 'Olga', access: 'invited' }
const bytes32 = 'a'.repeat(43)

interface Schema { type?: string, properties?: Record<string, Schema>, items?: Schema, anyOf?: Schema[], const?: unknown, minimum?: number }

/** The paths of all that is neither an object nor an array, such as `['boxes', '0', 'box']`. */
function fieldsOf (schema: Schema | undefined, path: string[] = []): string[][] {
  if (schema?.properties !== undefined) return Object.entries(schema.properties).flatMap(([name, field]) => fieldsOf(field, [...path, name]))
  if (schema?.items !== undefined) return [path, ...fieldsOf(schema.items, [...path, '0'])]
  return schema === undefined ? [] : [path]
}

function usualOf (schema: Schema, name = ''): unknown {
  if (schema.properties !== undefined) return Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [name, usualOf(field, name)]))
  if (schema.items !== undefined) return [usualOf(schema.items)]
  if (schema.anyOf !== undefined) return usualOf(schema.anyOf[0] ?? {}, name)
  if (schema.const !== undefined) return schema.const
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1
  return usual[name] ?? bytes32
}

function replaced (value: unknown, [first, ...rest]: string[], by: unknown): unknown {
  if (first === undefined) return by
  if (Array.isArray(value)) return [replaced(value[0], rest, by)]
  return { ...value as object, [first]: replaced((value as Record<string, unknown>)[first], rest, by) }
}

/** As an HTTP client would send it that does not look at what it sends. */
function encoded (text: unknown): string {
  return String(text).isWellFormed() ? encodeURIComponent(String(text)) : '%ED%A0%80'
}

function * requestsTo ({ url, schema = {} }: RouteOptions, sessionKey: string): Generator<{ url: string, body?: unknown }> {
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const path = (changed: Record<string, unknown>) => url.replaceAll(/:(\w+)|\*/g, (_, name: string) => encoded(changed[name] ?? usual[name] ?? bytes32))
  const body = schema.body === undefined ? undefined : usualOf(schema.body as Schema)
  for (const text of awkwardTexts) {
    for (const name of [...names, ...url.includes('*') ? ['undefined'] : []]) yield { url: path({ [name]: text }), body }
    // Those of the plugin read their query themselves.
    for (const name of url.startsWith('/documents/') ? ['sessionKey', 'before', 'limit', 'knownSnapshotUpdateClocks', text.slice(0, 100)] : []) {
      const key = name === 'sessionKey' ? '' : `sessionKey=${sessionKey}&`
      yield { url: `${path({})}?${key}${encoded(name)}=${encoded(text)}&${encoded(name)}=${encoded(text)}`, body }
    }
  }
  if (body === undefined) return
  for (const field of [...fieldsOf(schema.body as Schema), []]) {
    for (const value of awkwardValues) yield { url: path({}), body: replaced(body, field, value) }
  }
}

t.test('whatever is in any field of any route, the answer is no 5xx, and none in the words of the database', async (t) => {
  const start = async (name: string) => (await app.inject({ method: 'POST', url: '/api/sessions', body: { name } })).json<{ sessionKey: string }>().sessionKey
  const sessionKey = await start('Olga')
  const authorization = `Bearer ${sessionKey}`
  await app.inject({ method: 'PUT', url: '/api/documents/awkward', headers: { authorization } })
  let count = 0
  for (const route of routes) {
    for (const { url, body } of requestsTo(route, sessionKey)) {
      const { statusCode, payload } = await app.inject({
        method: String(route.method) as 'POST',
        url,
        headers: { authorization, 'content-type': 'application/json' },
        ...body !== undefined && { payload: JSON.stringify(body) }
      })
      count++
      if (statusCode >= 500 || /invalid byte|syntax|SELECT|INSERT|prisma|postgres|surrogate|node_modules|at \w+ \(/i.test(payload)) {
        t.fail(`${String(route.method)} ${url.slice(0, 100)} ${JSON.stringify(body)?.slice(0, 100)}: ${statusCode} ${payload.slice(0, 200)}`)
      }
    }
  }
  t.ok(routes.length > 20 && count > 1000, `${count} requests to ${routes.length} routes`)
  t.match(await app.inject('/health'), { statusCode: 200 })
})

t.test('a name is what can be seen of it', async (t) => {
  const start = async (name: unknown) => await app.inject({ method: 'POST', url: '/api/sessions', body: { name } })
  for (const name of ['', ' ', '\0', 'a\0b', '\u200b\u200d', '\u202e', '\ud800', 'a\ud800', 'a'.repeat(101), {}, null, ['a', 'b']]) {
    t.match(await start(name), { statusCode: 400 }, JSON.stringify(name))
  }
  const named = async (name: string) => {
    const { sessionKey } = (await start(name)).json<{ sessionKey: string }>()
    return (await app.inject({ url: '/api/session', headers: { authorization: `Bearer ${sessionKey}` } })).json<{ name: string }>().name
  }
  t.equal(await named('  Ada \u202egnp\u202c\u2066\ufeff\u200b '), 'Ada gnp')
  t.equal(await named('نیم\u200cفاصله'), 'نیم\u200cفاصله')
  t.equal(await named('👩\u200d💻 Ada'), '👩\u200d💻 Ada')
})

t.test('a session key that cannot be one is refused before the upgrade', async (t) => {
  const url = await app.listen({ port: 0 })
  for (const key of ['%00', '', '%ED%A0%80', 'a'.repeat(5000), '__proto__', '..', '%27']) {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const socket = new WebSocketOfNode(`${url.replace('http', 'ws')}/documents/awkward?sessionKey=${key}`)
      socket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
      socket.on('open', () => { socket.terminate(); resolve(101) })
      socket.on('error', reject)
    })
    t.equal(status, 401, key.slice(0, 20))
  }
})
