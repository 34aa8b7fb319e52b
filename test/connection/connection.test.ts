// What no message that we know of can make happen.
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { Connection } from '../../lib/connection/connection.ts'
import { resolveOptions } from '../../lib/options.ts'
import { FakeSocket } from '../fixtures/fake-socket.ts'
import { memoryStore } from '../fixtures/server.ts'
import { flush } from '../fixtures/world.ts'

const { limits } = resolveOptions({ ...memoryStore(), hasAccess: () => true })

function open (lines: object[] = []): { socket: FakeSocket, connection: Connection } {
  const log = { child: () => ({ error: (line: object) => lines.push(line) }) }
  const request = { raw: {}, url: '/document', routeOptions: { url: '/*' }, query: {}, log } as unknown as FastifyRequest
  const socket = new FakeSocket()
  return { socket, connection: new Connection(socket as never, request, 'document', 'key', limits) }
}

t.test('a message that could not be handled costs its connection, not the process', async (t) => {
  const lines: object[] = []
  const { socket, connection } = open(lines)
  const err = new Error('We did not think of that')
  connection.open(async () => { throw err })
  socket.emit('message', Buffer.from('{}'), false)
  await flush()
  t.equal(socket.down.at(-1), 1011)
  t.strictSame(lines, [{ err }])
})

t.test('who asks for the end of a connection that has ended is told at once', async (t) => {
  const { connection } = open()
  connection.close(1001, 'going away')
  let hasEnded = false
  connection.whenEnded(() => { hasEnded = true })
  t.ok(hasEnded)
})
