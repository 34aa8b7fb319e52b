import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import fc from 'fast-check'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { WebSocket } from 'ws'
import { Access } from '../lib/access.ts'
import type { Connection } from '../lib/connection.ts'
import { Hooks } from '../lib/hooks.ts'
import { resolveOptions } from '../lib/options.ts'
import { snapshotChange, updateChange, type Change } from '../lib/protocol/changes.ts'
import { lastClock, sameCursor } from '../lib/protocol/cursor.ts'
import { compileChecks } from '../lib/protocol/messages.ts'
import { Rooms } from '../lib/rooms.ts'
import { addRoute } from '../lib/route.ts'
import { ControlledStore } from './fixtures/controlled-store.ts'
import { changesIn, ModelClient } from './fixtures/model-client.ts'
import { Author, signed, sodium } from './fixtures/raw-client.ts'

const documentId = 'document'

const silent = {} as FastifyBaseLogger
for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const) silent[level] = () => {}
silent.child = () => silent

type Handler = (socket: WebSocket, request: FastifyRequest) => void

/** One node and its clients: everything is real but the sockets, the store and the clock. */
class World {
  readonly store: ControlledStore
  readonly rooms: Rooms
  readonly connections = new Set<Connection>()
  readonly clients = Array.from({ length: 3 }, () => new ModelClient(documentId))
  readonly other = new Author()
  /** Questions that hasBroadcastAccess waits for the answer of. */
  readonly questions: Array<() => void> = []
  readonly #handler: Handler
  #foreign = 0

  constructor (options: { groupsUpdates: boolean, sharesLoads: boolean, asksForAccess: boolean }) {
    this.store = new ControlledStore(options)
    const hasBroadcastAccess = ({ websocketSessionKeys }: { websocketSessionKeys: string[] }): Promise<boolean[]> => new Promise((resolve) => {
      this.questions.push(() => resolve(websocketSessionKeys.map(() => true)))
    })
    const { limits, ...resolved } = resolveOptions({
      hasAccess: () => true,
      getDocument: () => undefined,
      createSnapshot: ({ snapshot }) => snapshot,
      createUpdate: ({ update }) => update,
      limits: { callbackTimeout: 2 ** 31 - 1 }
    })
    const access = new Access(() => true, options.asksForAccess ? hasBroadcastAccess : undefined, limits.callbackTimeout, silent)
    this.rooms = new Rooms({ store: this.store, access, log: silent })
    let handler: unknown
    const scope = { get (_path: string, _route: object, fn: unknown) { handler = fn } } as unknown as FastifyInstance
    addRoute(scope, { ...resolved, limits }, {
      access, checks: compileChecks(), connections: this.connections, hooks: new Hooks(limits.callbackTimeout), limits, rooms: this.rooms
    })
    this.#handler = handler as Handler
  }

  connect (client: ModelClient): void {
    if (client.socket !== undefined) return
    const { query } = client
    const request = { params: { '*': documentId }, query, log: silent, server: { websocketServer: { clients: new Set() } } }
    this.#handler(client.connect() as unknown as WebSocket, request as unknown as FastifyRequest)
  }

  /** Another process writes to the document. */
  writeBehindTheBack (isSnapshot: boolean): void {
    const { cursor } = this.store
    const publicData = { docId: documentId, pubKey: this.other.publicKey }
    const ciphertext = (changes: string[]) => sodium.to_base64(JSON.stringify(changes))
    if (isSnapshot) {
      const snapshotId = sodium.to_base64(sodium.randombytes_buf(24))
      this.store.commit(snapshotChange(signed(this.other, 'secsync_snapshot', {
        ...publicData,
        snapshotId,
        parentSnapshotId: cursor.snapshotId,
        parentSnapshotProof: 'A'.repeat(43),
        parentSnapshotUpdateClocks: cursor.clocks
      }, ciphertext([...this.stored])) as never))
    } else if (cursor.snapshotId !== '') {
      const clock = lastClock(cursor, this.other.publicKey) + 1
      this.store.commit(updateChange(signed(this.other, 'secsync_update',
        { ...publicData, refSnapshotId: cursor.snapshotId, clock }, ciphertext([`other:${this.#foreign++}`])) as never))
    }
  }

  /** The changes in the stored document. */
  get stored (): Set<string> {
    const { history, cursor: { snapshotId } } = this.store
    const active: Change[] = history.filter((change) => change.snapshotId === snapshotId)
    return new Set(active.flatMap(({ message }) => changesIn(message.ciphertext)))
  }

  /** Lets everything happen that can, and every client come back that was closed. */
  async drain (): Promise<void> {
    for (let round = 0, isIdle = false; !isIdle; round++) {
      if (round === 5000) throw new Error(`It never ends: ${this.clients.map((client) => client.describe()).join(', ')}`)
      isIdle = true
      for (const client of this.clients) {
        if (client.socket === undefined) this.connect(client)
        while (client.passDown() || client.passUp() || client.work()) isIdle = false
      }
      while (this.store.called.length > 0) { this.store.perform(); isIdle = false }
      while (this.store.performed.length > 0) { this.store.answer(); isIdle = false }
      for (const answer of this.questions.splice(0)) { answer(); isIdle = false }
      await flush()
      if (isIdle && this.clients.some(({ isSettled }) => !isSettled)) {
        // Only a timer of the server's can be what they wait for.
        mock.timers.tick(60_000)
        await flush()
        isIdle = this.store.isIdle && this.questions.length === 0 && this.clients.every(({ socket }) => socket !== undefined && socket.down.length === 0)
      }
    }
  }
}

/** Lets the promises, ticks and immediates run that are due. */
async function flush (): Promise<void> {
  for (let i = 0; i < 3; i++) await setImmediate()
}

/** What can happen next. `n` is a client, or a call of the store. */
const steps = {
  connect: (world, n) => world.connect(world.clients[n]!),
  cut: (world, n) => world.clients[n]!.disconnect(),
  type: (world, n) => world.clients[n]!.type(),
  typeForSnapshot: (world, n) => world.clients[n]!.type({ wantsSnapshot: true }),
  work: (world, n) => world.clients[n]!.work(),
  workAll: (world, n) => { while (world.clients[n]!.work()); },
  passUp: (world, n) => world.clients[n]!.passUp(),
  passAllUp: (world, n) => { while (world.clients[n]!.passUp()); },
  passDown: (world, n) => world.clients[n]!.passDown(),
  passAllDown: (world, n) => { while (world.clients[n]!.passDown()); },
  perform: (world, n) => world.store.perform(n),
  performAndFail: (world, n) => world.store.perform(n, 'lost'),
  fail: (world, n) => world.store.perform(n, 'failed'),
  answer: (world, n) => world.store.answer(n),
  serve: (world) => {
    while (world.store.called.length > 0) world.store.perform()
    while (world.store.performed.length > 0) world.store.answer()
  },
  otherUpdate: (world) => world.writeBehindTheBack(false),
  otherSnapshot: (world) => world.writeBehindTheBack(true),
  answerAccess: (world) => world.questions.shift()?.(),
  second: () => mock.timers.tick(1000)
} satisfies Record<string, (world: World, n: number) => unknown>

const weights: Partial<Record<keyof typeof steps, number>> = { fail: 2, performAndFail: 2, otherSnapshot: 2, type: 4, work: 4, workAll: 2, passUp: 4, passAllUp: 2, passDown: 4, passAllDown: 2, perform: 4, answer: 4, serve: 5 }
const step = fc.tuple(
  fc.oneof(...Object.keys(steps).map((name) => ({ weight: weights[name as keyof typeof steps] ?? 1, arbitrary: fc.constant(name as keyof typeof steps) }))),
  fc.nat(2)
)

t.test('whatever happens when, everybody gets everything once and in order, and nothing that was typed is lost', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const options = fc.record({ groupsUpdates: fc.boolean(), sharesLoads: fc.boolean(), asksForAccess: fc.boolean() })
  const property = fc.asyncProperty(options, fc.array(step, { minLength: 60, maxLength: 160, size: 'max' }), async (options, interleaving) => {
    const world = new World(options)
    world.clients[0]!.type()
    await world.drain()
    for (const [name, n] of interleaving) {
      steps[name](world, n)
      await flush()
      checkFaults(world)
    }
    await world.drain()
    // Who comes last has what other processes saved, and so brings it to all.
    const last = new ModelClient(documentId)
    world.clients.push(last)
    await world.drain()
    checkFaults(world)

    const stored = [...world.stored].sort()
    for (const client of world.clients) {
      const at = client.known ?? { snapshotId: '', clocks: {} }
      if (!sameCursor(at, world.store.cursor)) throw new Error(`${client.describe()} is not where the document is: ${JSON.stringify(world.store.cursor)}`)
      const lost = client.typed.filter((change) => !stored.includes(change))
      if (lost.length > 0) throw new Error(`lost: ${lost.join()}`)
      if ([...client.content].sort().join() !== stored.join()) throw new Error(`${client.describe()} has something else than the store`)
    }
    for (const client of world.clients) client.disconnect()
    await flush()
    if (world.rooms.size + world.connections.size > 0) throw new Error(`${world.rooms.size} rooms and ${world.connections.size} connections are left`)
  })
  await fc.assert(property, { numRuns: Number(process.env.RUNS ?? 200), ...process.env.SEED && { seed: Number(process.env.SEED) } })
})

function checkFaults ({ clients }: World): void {
  for (const client of clients) if (client.faults.length > 0) throw new Error(`${client.describe()}: ${client.faults.join('; ')}`)
}
