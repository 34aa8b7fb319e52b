import Fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import { Connection } from '../../lib/connection/connection.ts'
import { DocumentIds } from '../../lib/connection/document-ids.ts'
import { Failures } from '../../lib/connection/failures.ts'
import { receive, type MessageSettings } from '../../lib/connection/message.ts'
import { Access } from '../../lib/document/access.ts'
import { Hooks } from '../../lib/hooks.ts'
import { resolveOptions } from '../../lib/options.ts'
import { compileChecks } from '../../lib/protocol/messages.ts'
import { Telemetry } from '../../lib/telemetry/telemetry.ts'
import { FakeSocket } from '../fixtures/fake-socket.ts'
import { Log } from '../fixtures/log.ts'
import { roomsOn, timeLimit } from '../fixtures/open-room.ts'
import { Author } from '../fixtures/raw-client.ts'
import { memoryStore } from '../fixtures/server.ts'

/** As in lib/connection/connection.ts. */
const maxAuthors = 1000

t.test('a connection sends messages of so many authors, and with the next one it is closed', async (t) => {
  const log = new Log()
  const { limits } = resolveOptions({ ...memoryStore(), hasAccess: () => true })
  const hooks = new Hooks(timeLimit)
  const telemetry = new Telemetry()
  const settings: MessageSettings = {
    access: new Access(() => true, undefined, timeLimit, Fastify().log),
    checks: compileChecks(),
    documentIds: new DocumentIds(),
    failures: new Failures(hooks, telemetry),
    telemetry,
    hooks,
    limits
  }
  const request = { raw: {}, url: '/document', routeOptions: { url: '/*' }, query: {}, log: Fastify(log.options).log } as unknown as FastifyRequest
  const socket = new FakeSocket()
  const connection = new Connection(socket as never, request, 'document', 'key', limits)
  const room = roomsOn().open('document')
  const send = (author: Author) => {
    const data = Buffer.from(JSON.stringify(author.ephemeralMessage('document')))
    return receive({ data, isBinary: false, receivedAt: performance.now() }, connection, room, settings)
  }

  const known = new Author()
  await send(known)
  for (let i = 1; i < maxAuthors; i++) connection.addAuthor(`author ${i}`)
  await send(known)
  t.notOk(connection.closed)
  await send(new Author())
  await new Promise(setImmediate)
  t.equal(socket.down.at(-1), 1008)
  t.match(log.lines, [{ level: 30, err: { code: 'FST_SECSYNC_TOO_MANY_AUTHORS' } }])
})
