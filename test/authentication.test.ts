import { once } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { WebSocket } from 'ws'
import type { SecsyncOptions } from '../lib/index.ts'
import { Author } from './fixtures/raw-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'

const author = new Author()

t.test('onRequest, preValidation and preHandler answer in HTTP, before there is a WebSocket or a document', async (t) => {
  const refuse = async (_request: FastifyRequest, reply: FastifyReply) => reply.code(401).send({ message: 'Log in first' })
  const stages: Array<Partial<SecsyncOptions>> = [
    { onRequest: refuse }, { preValidation: refuse }, { preHandler: refuse }, { preHandler: [async () => {}, refuse] }
  ]
  for (const options of stages) {
    let asked = false
    const { endpoint } = await startServer(t, { ...memoryStore(), ...options, hasAccess: () => (asked = true) })
    const socket = new WebSocket(`${endpoint}/a?sessionKey=a`)
    const [, response] = await once(socket, 'unexpected-response')
    t.equal(response.statusCode, 401)
    t.strictSame(JSON.parse(String((await response.toArray()).join(''))), { message: 'Log in first' })
    t.notOk(asked)
  }
})

t.test('what preHandler puts on the request is there in every callback', async (t) => {
  const users: unknown[] = []
  const store = memoryStore()
  const seen = <T extends { request?: FastifyRequest | undefined }>(params: T): T => {
    users.push((params.request as FastifyRequest & { user?: string } | undefined)?.user)
    return params
  }
  const { connect } = await startServer(t, {
    preHandler: async (request) => { Object.assign(request, { user: 'Ada' }) },
    hasAccess: (params) => Boolean(seen(params)),
    hasBroadcastAccess: (params) => seen(params).websocketSessionKeys.map(() => true),
    getDocument: (params) => store.getDocument(seen(params)),
    createSnapshot: (params) => store.createSnapshot(seen(params)),
    createUpdate: (params) => store.createUpdate(seen(params))
  })
  const client = connect('document')
  await client.next('document')
  const snapshot = author.snapshot('document')
  client.send(snapshot)
  await client.next('snapshot-saved')
  client.send(author.update('document', snapshot.publicData.snapshotId, 0))
  await client.next('update-saved')
  t.ok(users.length >= 7)
  t.strictSame(new Set(users), new Set(['Ada']))
})

t.test('a plain HTTP request, by which a client asks why its handshake failed, is told that it needs an upgrade', async (t) => {
  const { app } = await startServer(t, memoryStore())
  for (const url of ['/documents', '/documents/', '/documents/a?sessionKey=a']) t.equal((await app.inject(url)).statusCode, 426, url)
})

t.test('requests are logged without the session key', async (t) => {
  const lines: string[] = []
  const preHandler = async (request: FastifyRequest) => { if (request.url.includes('broken')) throw new Error('broken') }
  const { connect } = await startServer(t, { ...memoryStore(), preHandler },
    { logger: { level: 'trace', stream: { write: (line: string) => { lines.push(line) } } } })
  const client = connect('document', { sessionKey: 'secret' })
  await client.next('document')
  client.send('no message')
  await connect('broken', { sessionKey: 'secret' }).closed()
  await connect('', { sessionKey: 'secret' }).closed()
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'incoming request')
  t.match(requests[0], { req: { method: 'GET', url: '/documents/document', remoteAddress: '127.0.0.1' } })
  t.ok(lines.some((line) => line.includes('"broken"')))
  t.notMatch(lines.join(''), 'secret')
})
