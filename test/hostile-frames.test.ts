import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { WebSocket } from 'ws'
import { Author, RawClient } from './fixtures/raw-client.ts'
import { memoryStore, startServer } from './fixtures/server.ts'
import { documentId, Witnesses } from './fixtures/witnesses.ts'

const text = 0x1
const ping = 0x9
const close = 0x8

interface Frame {
  opcode?: number
  payload?: string | Buffer
  /** The last one of its message? */
  fin?: boolean
  /** The three reserved bits. */
  rsv?: number
  masked?: boolean
  /** Another length than that of the payload. */
  length?: bigint
}

/** A WebSocket frame, right or wrong, with a mask of zeros. */
function frame ({ opcode = text, payload = '', fin = true, rsv = 0, masked = true, length }: Frame): Buffer {
  const data = Buffer.from(payload)
  const header = Buffer.alloc(10)
  header[0] = (fin ? 0x80 : 0) | rsv << 4 | opcode
  header[1] = (masked ? 0x80 : 0) | 127
  header.writeBigUInt64BE(length ?? BigInt(data.length), 2)
  // Control frames must have a short length.
  const short = length === undefined && data.length < 126 ? Buffer.of(header[0], (masked ? 0x80 : 0) | data.length) : header
  return Buffer.concat([short, masked ? Buffer.alloc(4) : Buffer.alloc(0), data])
}

function socketOf (client: RawClient): Socket {
  return (client.socket as unknown as { _socket: Socket })._socket
}

const limit = 16n * 1024n * 1024n
const pieces = (count: number, payload: string) => [
  frame({ fin: false, payload }), ...Array.from({ length: count - 1 }, () => frame({ fin: false, opcode: 0, payload }))
]

/** By name: the bytes, and the code with which the connection is closed. */
const frames: Record<string, [Buffer | Buffer[], number]> = {
  'without a mask': [frame({ masked: false, payload: '{}' }), 1002],
  'compressed, which was not agreed on': [frame({ rsv: 4, payload: '{}' }), 1002],
  'with the second reserved bit': [frame({ rsv: 2 }), 1002],
  'with the third reserved bit': [frame({ rsv: 1 }), 1002],
  'with an unknown opcode': [frame({ opcode: 3 }), 1002],
  'with an unknown control opcode': [frame({ opcode: 0xb }), 1002],
  'continuing nothing': [frame({ opcode: 0 }), 1002],
  'beginning a message inside of another': [[frame({ fin: false, payload: 'a' }), frame({ payload: 'b' })], 1002],
  'of a ping in pieces': [frame({ opcode: ping, fin: false }), 1002],
  'of a ping that is too long': [frame({ opcode: ping, payload: 'a'.repeat(126) }), 1002],
  'of a close with half a code': [frame({ opcode: close, payload: 'a' }), 1002],
  'of a close with a code that nobody may send': [frame({ opcode: close, payload: Buffer.of(0x03, 0xed) }), 1002],
  'of a close with a reason that is no text': [frame({ opcode: close, payload: Buffer.of(0x03, 0xe8, 0xff) }), 1007],
  'of a text that is none': [frame({ payload: Buffer.of(0xff) }), 1007],
  'of a text that ends inside of a character': [frame({ payload: Buffer.of(0xe2, 0x82) }), 1007],
  'of 2^63 bytes': [frame({ length: 2n ** 63n }), 1009],
  'of 80 MB': [frame({ length: 80n * 1024n * 1024n }), 1009],
  'one byte over the limit': [frame({ length: limit + 1n }), 1009],
  'in pieces that are together over the limit': [[frame({ fin: false, payload: 'a' }), frame({ opcode: 0, length: limit })], 1009],
  'in 20,000 pieces': [pieces(20_000, 'a'), 1008],
  'in 20,000 empty pieces': [pieces(20_000, ''), 1008],
  '100 times garbage': [Array.from({ length: 100 }, () => frame({ payload: '{}' })), 1008]
}

t.test('a frame', async (t) => {
  const witnesses = await Witnesses.start(t)
  const mallory = new Author()
  const connect = async () => {
    const client = witnesses.server.connect(documentId, { sessionKey: 'mallory' })
    await client.next('document')
    return client
  }

  for (const [name, [bytes, code]] of Object.entries(frames)) {
    await t.test(`${name} costs its own connection`, async (t) => {
      const client = await connect()
      socketOf(client).write(Buffer.concat([bytes].flat()))
      t.equal(await client.closed(), code)
      await witnesses.check()
    })
  }

  await t.test('of 80 MB that are really sent costs its own connection', async (t) => {
    const client = await connect()
    client.send(' '.repeat(80 * 1024 * 1024))
    t.equal(await client.closed(), 1009)
    await witnesses.check()
  })

  await t.test('for each character, with pings between them, is the message that they make together', async () => {
    const client = await connect()
    const message = mallory.ephemeralMessage(documentId)
    const characters = [...JSON.stringify(message)]
    for (const [index, payload] of characters.entries()) {
      const bytes = frame({ opcode: index === 0 ? text : 0, fin: index === characters.length - 1, payload })
      socketOf(client).write(index % 50 === 0 ? Buffer.concat([frame({ opcode: ping }), bytes]) : bytes)
    }
    await witnesses.hear(message.signature)
    await witnesses.check()
    await client.close()
  })

  await t.test('that begins a message which never ends holds nobody up', async () => {
    const client = await connect()
    socketOf(client).write(Buffer.concat(pieces(1000, 'a'.repeat(1000))))
    await witnesses.check()
    const ended = new Promise<void>((resolve) => { witnesses.server.app.secsync.addHook('onClose', () => resolve()) })
    client.socket.terminate()
    await ended
    await witnesses.check()
  })

  await t.test('of a ping that comes again and again, without anybody reading the pongs, costs its own connection', async (t) => {
    const client = await connect()
    const ended = new Promise<number | undefined>((resolve) => { witnesses.server.app.secsync.addHook('onClose', ({ code }) => resolve(code)) })
    client.socket.pause()
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame({ opcode: ping, payload: 'a'.repeat(125) })))
    const flood = () => { while (socketOf(client)?.write(pings)); }
    socketOf(client).on('drain', flood).on('error', () => {})
    flood()
    t.equal(await ended, 1006)
    await witnesses.check()
  })
})

t.test('compression is not agreed on, whatever a client offers', async (t) => {
  const { endpoint } = await startServer(t, memoryStore())
  const socket = new WebSocket(`${endpoint}/${documentId}?sessionKey=key`, { perMessageDeflate: { clientMaxWindowBits: 15 } })
  await once(socket, 'open')
  t.equal(socket.extensions, '')
  socket.terminate()
})

t.test('a frame against the protocol while the server shuts down ends neither the process nor the messages in flight', async (t) => {
  const store = memoryStore()
  let save = () => {}
  const saving = new Promise<void>((resolve) => { save = resolve })
  const { app, connect } = await startServer(t, {
    ...store,
    async createUpdate (params) {
      await saving
      return store.createUpdate(params)
    }
  })
  const [good, hostile] = [connect(documentId), connect(documentId)]
  await Promise.all([good.next('document'), hostile.next('document')])
  const author = new Author()
  const snapshot = author.snapshot(documentId)
  good.send(snapshot)
  await good.next('snapshot-saved')
  await hostile.next('snapshot')

  const update = async (client: RawClient, author: Author) => {
    const arrived = new Promise<void>((resolve) => app.secsync.addHook('onRequest', () => resolve()))
    client.send(author.update(documentId, snapshot.publicData.snapshotId, 0))
    await arrived
  }
  await update(hostile, new Author())
  await update(good, author)
  const closed = app.close()
  socketOf(hostile).write(frame({ rsv: 1 }))
  t.equal(await hostile.closed(), 1002)
  save()
  await good.next('update')
  await good.next('update-saved')
  t.equal(await good.closed(), 1001)
  await closed
  t.equal(store.documents.get(documentId)?.updates.length, 2)
})
