// What no message that we know of can make happen.
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { Connection } from '../lib/connection/connection.ts'
import { resolveOptions } from '../lib/options.ts'
import { FakeSocket } from './fixtures/fake-socket.ts'
import { memoryStore } from './fixtures/server.ts'
import { flush } from './fixtures/world.ts'

t.test('a message that could not be handled costs its connection, not the process', async (t) => {
  const lines: object[] = []
  const request = { raw: {}, url: '/document', routeOptions: { url: '/*' }, query: {}, log: { child: () => ({ error: (line: object) => lines.push(line) }) } } as unknown as FastifyRequest
  const { limits } = resolveOptions({ ...memoryStore(), hasAccess: () => true })
  const socket = new FakeSocket()
  const connection = new Connection(socket as never, request, 'document', 'key', limits)
  const err = new Error('We did not think of that')
  connection.open(async () => { throw err })
  socket.emit('message', Buffer.from('{}'), false)
  await flush()
  t.equal(socket.down.at(-1), 1011)
  t.strictSame(lines, [{ err }])
})
