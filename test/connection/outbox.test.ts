import t from 'tap'
import { Outbox } from '../../lib/connection/outbox.ts'
import { resolveOptions } from '../../lib/options.ts'
import { FakeSocket } from '../fixtures/fake-socket.ts'
import { memoryStore } from '../fixtures/server.ts'

const { limits } = resolveOptions({ ...memoryStore(), hasAccess: () => true })
const frame = Buffer.alloc(limits.maxBufferedBytes / 2)

t.test('a client that does not queue its document has to come back when too much is to be relayed', async (t) => {
  const socket = new FakeSocket()
  const reasons: string[] = []
  const outbox = new Outbox(socket as never, socket._socket, limits, (reason) => reasons.push(reason))
  outbox.sendDocument(Buffer.from('document'), true)
  for (let i = 0; i < 3; i++) outbox.relay(frame)
  t.strictSame(reasons, [])
  outbox.relay(frame)
  t.strictSame(reasons, ['too much to relay'])
  await new Promise(setImmediate)
  t.strictSame(socket.down.map(String), ['document'], 'nothing has overtaken the document')
  outbox.close()
})
