import Fastify from 'fastify'
import t from 'tap'
import { Turns } from '../../lib/document/turns.ts'
import { CountingClient } from '../fixtures/counting-client.ts'
import { Log } from '../fixtures/log.ts'
import { updateOf } from '../fixtures/open-room.ts'

t.test('a turn that fails is logged, and the next one follows', async (t) => {
  const log = new Log()
  const done: string[] = []
  await new Promise<void>((resolve) => {
    const turns = new Turns({
      saveUpdates: async () => { throw new Error('Before it took any') },
      saveSnapshot: async () => {},
      idle: resolve
    }, Fastify(log.options).log)
    turns.saveUpdate({ change: updateOf('ada', 0), client: new CountingClient(), settle: () => {} })
    turns.take(() => { throw new Error('This one too') })
    turns.take(() => { done.push('the last') })
  })
  t.same(done, ['the last'])
  t.match(log.lines.map(({ err }) => err?.message), ['Before it took any', 'This one too'])
})
