import t from 'tap'
import { openClient, untilEqual, untilState } from '../fixtures/client.ts'
import { startServer } from '../fixtures/server.ts'

t.test('what one client writes reaches the other', async (t) => {
  const { endpoint } = await startServer(t)
  const alice = openClient(t, endpoint, 'document')
  const bob = openClient(t, endpoint, 'document')
  await untilState(bob.document, ({ connection }) => connection.status === 'live')
  alice.crdt.add('a')
  await alice.document.whenSaved()
  bob.crdt.add('b')
  t.strictSame(await untilEqual(alice, bob), ['a', 'b'])
})
