// What would take too long over real sockets.
import { EventEmitter, once } from 'node:events'
import Fastify from 'fastify'
import t from 'tap'
import { Access } from '../../lib/document/access.ts'
import type { Connection } from '../../lib/connection/connection.ts'
import { updateChange } from '../../lib/protocol/changes.ts'
import type { Update } from '../../lib/protocol/messages.ts'
import { Room } from '../../lib/document/room.ts'
import { Rooms } from '../../lib/document/rooms.ts'
import { Slots } from '../../lib/document/slots.ts'
import type { LoadedDocument, Store } from '../../lib/stores/store.ts'

/** A connection that only counts what it is sent. */
class Counting extends EventEmitter {
  readonly websocketSessionKey = 'key'
  readonly authors = new Set<string>()
  documents = 0
  sent = 0
  closeCode: number | undefined

  sendDocument (): void { this.documents++ }
  send (): void { this.sent++ }
  relay (): void { this.sent++ }
  hold (): void {}
  release (): boolean { return true }
  hasFailed (): boolean { return false }
  close (code: number): void { this.closeCode = code }
}

t.test('whoever misses more than 50,000 changes while their document is loaded has to come back', async (t) => {
  const loads = new EventEmitter()
  const letGo: Array<() => void> = []
  const store: Store = {
    groupsUpdates: true,
    sharesLoads: false,
    load: async () => await new Promise<LoadedDocument>((resolve) => {
      letGo.push(() => resolve({ updates: '', cursor: { snapshotId: 'snapshot', clocks: {} } }))
      loads.emit('load')
    }),
    saveUpdates: async () => undefined,
    saveSnapshot: async () => undefined
  }
  const { log } = Fastify()
  const room = new Room('document', { store, slots: new Slots(1), access: new Access(() => true, undefined, 1000, log), log }, () => {})
  const join = async (connection: Counting) => {
    const loading = once(loads, 'load')
    const joined = room.join(connection as unknown as Connection, { mode: 'complete' })
    await loading
    return joined
  }
  const [early, late] = [new Counting(), new Counting()]
  const first = once(loads, 'load').then(() => letGo.shift()!())
  await join(early)
  await first
  t.equal(early.documents, 1)

  const joined = join(late)
  const count = 50_001
  for (let clock = 0; clock < count; clock++) {
    room.relay(updateChange({ publicData: { docId: 'document', refSnapshotId: 'snapshot', pubKey: 'author', clock } } as Update))
  }
  t.equal(early.sent, count)
  letGo.shift()!()
  await joined
  t.strictSame([late.documents, late.closeCode], [1, 1013])
  t.equal(room.size, 1)
})

t.test('a room that has ended, and has a turn left, does not end the one that came after it', async (t) => {
  const { log } = Fastify()
  const store: Store = {
    groupsUpdates: true,
    sharesLoads: false,
    load: async () => ({ updates: '', cursor: { snapshotId: 'snapshot', clocks: {} } }),
    saveUpdates: async () => undefined,
    saveSnapshot: async () => undefined
  }
  const rooms = new Rooms({ store, slots: new Slots(1), access: new Access(() => true, undefined, 1000, log), log })
  const [before, after] = [new Counting(), new Counting()] as unknown as [Connection, Connection]
  const ended = rooms.open('document')
  await ended.join(before, { mode: 'complete' })
  ended.leave(before)
  t.equal(rooms.size, 0)
  const open = rooms.open('document')
  await open.join(after, { mode: 'complete' })
  await ended.turn()
  await new Promise(setImmediate)
  t.equal(rooms.open('document'), open)

  const allEnded = rooms.end(60_000)
  open.leave(after)
  await allEnded
  t.equal(rooms.size, 0, 'who waits for all to end need not wait for the time limit')
})
