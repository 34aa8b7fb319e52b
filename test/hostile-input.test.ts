import t from 'tap'
import { hostileMessages } from './fixtures/hostile-messages.ts'
import { Author } from './fixtures/raw-client.ts'
import { documentId, Witnesses } from './fixtures/witnesses.ts'

t.test('whatever a client sends, nothing invalid is stored or relayed, and others go on working', async (t) => {
  const witnesses = await Witnesses.start(t)
  const mallory = new Author()
  const reasons: string[] = []
  witnesses.server.app.secsync.addHook('onError', ({ error }) => {
    const { code, name } = error as Error & { code?: string }
    reasons.push(code ?? name)
  })

  const client = witnesses.server.connect(documentId, { sessionKey: 'mallory' })
  await client.next('document')
  // Is relayed, after everything that was sent before is handled.
  const sayHello = async () => {
    const hello = mallory.ephemeralMessage(documentId)
    client.send(hello)
    await witnesses.hear(hello.signature)
  }

  const messages = hostileMessages(witnesses)
  t.comment(`${messages.length} messages`)
  for (const { name, make, reason, answer } of messages) {
    await t.test(name, async (t) => {
      client.send(make())
      if (answer !== 'nothing') t.equal((await witnesses.answerTo(client)).type, answer)
      await sayHello()
      await witnesses.check()
      t.strictSame(reasons.splice(0), [reason])
    })
  }

  await t.test('a replay is confirmed again, and neither stored nor relayed again', async (t) => {
    client.send(witnesses.update)
    t.match(await witnesses.answerTo(client), { type: 'update-saved' })
    client.send(witnesses.active)
    t.match(await witnesses.answerTo(client), { type: 'snapshot-saved' })
    await sayHello()
    await witnesses.check()
  })

  await t.test('what these were made of is let in', async (t) => {
    client.send(mallory.update(documentId, witnesses.active.publicData.snapshotId, 0))
    t.match(await witnesses.answerTo(client), { type: 'update-saved', clock: 0 })
    const clocks = { ...witnesses.clocks, [mallory.publicKey]: 0 }
    client.send(mallory.snapshot(documentId, { parent: witnesses.active, clocks }))
    t.match(await witnesses.answerTo(client), { type: 'snapshot-saved' })
    t.strictSame(reasons, [])
  })
})
