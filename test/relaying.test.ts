// PROTOCOL.md, access to messages, additional data and "Relaying", over raw sockets and PostgreSQL.
import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { HasAccessParams, HasBroadcastAccessParams, Snapshot } from '../lib/index.ts'
import { idOf, openDocument } from './fixtures/open-document.ts'
import { Author } from './fixtures/raw-client.ts'

const [ada, bob] = [new Author(), new Author()]

t.test('access is asked for every message, with the author; denied: unauthorized, and nothing is stored', async (t) => {
  for (const action of ['write-snapshot', 'write-update', 'send-ephemeral-message'] as const) {
    const asked: HasAccessParams[] = []
    const { writer, snapshot, stored } = await openDocument(t, {
      hasAccess: (params) => {
        if (params.action !== 'read') asked.push(params)
        return params.action !== action
      }
    })
    const message = {
      'write-snapshot': () => bob.snapshot('document', { parent: snapshot }),
      'write-update': () => bob.update('document', idOf(snapshot), 0),
      'send-ephemeral-message': () => bob.ephemeralMessage('document')
    }[action]()
    writer.send({ ...message, signature: snapshot.signature })
    writer.send(message)
    writer.send(message)
    if (action !== 'send-ephemeral-message') await writer.next(action === 'write-update' ? 'update-save-failed' : 'snapshot-save-failed')
    t.strictSame(await writer.next('unauthorized'), { type: 'unauthorized' })
    t.equal(await writer.closed(), 4401)
    t.strictSame(asked.map(({ request: _, ...params }) => params),
      [{ action, documentId: 'document', publicKey: bob.publicKey, websocketSessionKey: 'writer' }], 'once, for the one that is signed')
    t.strictSame(await stored(), { snapshot, snapshotProofChain: [], updates: [] })
  }
})

t.test('what is relayed goes to those who have broadcast access; the others are told and closed', async (t) => {
  const asked: HasBroadcastAccessParams[] = []
  const { connect, writer, reader, snapshot } = await openDocument(t, {
    hasBroadcastAccess: (params) => {
      asked.push(params)
      return params.websocketSessionKeys.map((key) => key !== 'gone')
    }
  })
  const gone = connect('document', { sessionKey: 'gone' })
  await gone.next('document')
  const update = ada.update('document', idOf(snapshot), 0)
  writer.send(update)
  t.strictSame(await reader.next('update'), { type: 'update', ...update })
  t.strictSame(await gone.next('unauthorized'), { type: 'unauthorized' })
  t.equal(await gone.closed(), 4401)
  const { documentId, websocketSessionKeys, requests } = asked[0]!
  t.equal(documentId, 'document')
  t.strictSame(websocketSessionKeys.toSorted(), ['gone', 'reader', 'writer'])
  t.strictSame(requests.map(({ query }) => (query as Record<string, string>).sessionKey), websocketSessionKeys)
})

t.test('by default, who may read has broadcast access, asked once for each session key', async (t) => {
  const reads: string[] = []
  let isGone = false
  const { connect, writer, reader } = await openDocument(t, {
    hasAccess: ({ action, websocketSessionKey }) => {
      if (action === 'read') reads.push(websocketSessionKey!)
      return !(isGone && websocketSessionKey === 'gone')
    }
  })
  const gone = [connect('document', { sessionKey: 'gone' }), connect('document', { sessionKey: 'gone' })]
  for (const client of gone) await client.next('document')
  reads.splice(0)
  isGone = true
  writer.send(ada.ephemeralMessage('document'))
  await reader.next('ephemeral-message')
  for (const client of gone) {
    await client.next('unauthorized')
    t.equal(await client.closed(), 4401)
  }
  t.strictSame(reads.toSorted(), ['gone', 'reader', 'writer'])
})

t.test('additional public data is refused without a schema; with one it is stored and relayed with the rest', async (t) => {
  const additional = { keyId: 'key "1"', note: '\ud800' }
  const messagesOn = (snapshot: Snapshot) => [
    ada.ephemeralMessage('document', 'cursor', additional),
    ada.update('document', idOf(snapshot), 0, 'update', additional),
    ada.snapshot('document', { parent: snapshot, clocks: { [ada.publicKey]: 0 }, additional })
  ] as const

  const without = await openDocument(t)
  for (const message of messagesOn(without.snapshot)) without.writer.send(message)
  await without.writer.next('update-save-failed')
  await without.writer.next('snapshot-save-failed')
  await without.nothingElse(t)

  const schema = Type.Object({ keyId: Type.String(), note: Type.String() })
  const { connect, writer, reader, snapshot } = await openDocument(t, {
    additionalAuthenticationDataValidations: { snapshot: schema, update: schema, ephemeralMessage: schema }
  })
  const messages = messagesOn(snapshot)
  for (const message of messages) writer.send(message)
  t.strictSame(await reader.next('ephemeral-message'), { type: 'ephemeral-message', ...messages[0] })
  t.strictSame(await reader.next('update'), { type: 'update', ...messages[1] })
  await reader.next('snapshot')
  t.strictSame(await connect('document').next('document').then(({ snapshot }) => snapshot), messages[2])
})

t.test('additionalServerData is for the server alone', async (t) => {
  const seen: unknown[] = []
  const secret = { secret: ['of the server'] }
  const { app, writer, reader, connect, snapshot } = await openDocument(t)
  app.secsync.addHook('preHandler', ({ action, message }) => {
    if (action !== 'read') seen.push((message as { additionalServerData?: unknown }).additionalServerData)
  })
  const child = ada.snapshot('document', { parent: snapshot })
  writer.send({ ...child, additionalServerData: secret })
  await writer.next('snapshot-saved')
  t.strictSame(seen, [secret], 'a hook has it')
  t.strictSame(await reader.next('snapshot'), { type: 'snapshot', snapshot: child })
  t.strictSame((await connect('document').next('document')).snapshot, child)
  writer.send({ ...ada.snapshot('document', { parent: snapshot }), additionalServerData: secret })
  t.strictSame((await writer.next('snapshot-save-failed')).snapshot, child)
})

t.test('all connections see one order, however many write', async (t) => {
  const { connect, reader, snapshot, stored } = await openDocument(t)
  const writers = await Promise.all(Array.from({ length: 4 }, async (_, index) => {
    const client = connect('document', { sessionKey: `${index}` })
    await client.next('document')
    return { client, author: new Author() }
  }))
  for (const { client, author } of writers) {
    for (let clock = 0; clock < 20; clock++) client.send(author.update('document', idOf(snapshot), clock))
  }
  const seen = []
  for (const { client, author } of [...writers, { client: reader, author: ada }]) {
    const [received, acknowledged]: [string[], number[]] = [[], []]
    while (received.length + acknowledged.length < 80) {
      const message = await client.nextOfAny()
      if (message.type === 'update-saved') acknowledged.push(message.clock)
      else if (message.type === 'update') received.push(message.signature)
      else t.fail(message.type)
    }
    seen.push({ author, received, acknowledged })
  }
  const { updates } = await stored()
  for (const { author, received, acknowledged } of seen) {
    const ofOthers = updates.filter(({ publicData }) => publicData.pubKey !== author.publicKey)
    t.strictSame(received, ofOthers.map(({ signature }) => signature))
    t.strictSame(acknowledged, acknowledged.map((_, clock) => clock))
  }
})

t.test('what a client sent before it closed is saved and relayed, also the last of 20 messages', async (t) => {
  const { writer, reader, snapshot, stored } = await openDocument(t, { hasAccess: async () => { await new Promise(setImmediate); return true } })
  const updates = Array.from({ length: 20 }, (_, clock) => ada.update('document', idOf(snapshot), clock))
  const goodbye = ada.ephemeralMessage('document')
  for (const message of [...updates, goodbye]) writer.send(message)
  writer.socket.close()
  const relayed = new Set<string>()
  while (!relayed.has(goodbye.signature) || relayed.size < 21) {
    const message = await reader.nextOfAny()
    if ('signature' in message) relayed.add(message.signature)
  }
  t.strictSame((await stored()).updates, updates)
})

t.test('a client that has closed, and whose message hangs in a callback, leaves after drainTimeout', async (t) => {
  let hang = false
  const { app, writer, reader } = await openDocument(t, {
    hasAccess: ({ action }) => hang && action !== 'read' ? new Promise(() => {}) : true, limits: { drainTimeout: 50 }
  })
  hang = true
  writer.send(ada.ephemeralMessage('document'))
  writer.socket.close()
  await reader.close()
  // The room ends with its last client.
  while (app.secsync.stats().documents > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  t.pass('both have left')
})
