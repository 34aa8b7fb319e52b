import fc from 'fast-check'
import t from 'tap'
import { createKey, createKeyPair, type KeyPair } from '../../lib/client/crypto/keys.ts'
import { OpenDocument } from '../../lib/client/document.ts'
import { memoryStorage } from '../../lib/client/index.ts'
import { CrashingStorage } from '../fixtures/simulation/crashing-storage.ts'
import { SetCrdt } from '../fixtures/set-crdt.ts'
import { SimulatedServer, type Mood } from '../fixtures/simulation/server.ts'
import { World } from '../fixtures/simulation/world.ts'

const key = createKey()

/** A tab: it may crash and be opened anew, with the same storage and perhaps the same key pair. */
class Tab {
  crdt = new SetCrdt()
  document: OpenDocument
  readonly #world: World
  readonly #storage: CrashingStorage
  readonly #keyPair: KeyPair | undefined
  written: Array<{ text: string, at: number }> = []
  #life = 0

  constructor (world: World, storage: CrashingStorage, keyPair: KeyPair | undefined) {
    this.#world = world
    this.#storage = storage
    this.#keyPair = keyPair
    this.document = this.#open()
  }

  #open (): OpenDocument {
    const life = ++this.#life
    return new OpenDocument({
      url: 'ws://server/documents',
      documentId: 'document',
      sessionKey: () => 'session-key',
      crdt: this.crdt,
      getKey: () => key,
      isValidClient: () => true,
      storage: this.#storage.of(this),
      updatesPerSnapshot: 4,
      ...this.#keyPair && { signatureKeyPair: this.#keyPair }
    }, this.#world.environment(this, () => life === this.#life))
  }

  write (text: string): void {
    this.crdt.add(text)
    this.written.push({ text, at: this.#world.time })
  }

  async reopen (): Promise<void> {
    const closed = this.document.destroy()
    this.#world.resume()
    await closed
    this.#begin()
  }

  /** Nothing that waits for time or the network happens any more. What was written in the last 10 ms, or on a slow device, may be lost. */
  async crash (): Promise<void> {
    this.#life++
    this.#world.vanish(this)
    await this.#storage.crash(this)
    this.written = this.written.filter(({ text, at }) => (at + 10 < this.#world.time && !this.#world.isInterrupted) || this.#world.server.texts.has(text))
    this.#begin()
  }

  #begin (): void {
    this.crdt = new SetCrdt()
    this.document = this.#open()
  }
}

interface Run {
  world: World
  tabs: Tab[]
  /** Two tabs that live at the same time sign with one key: they may make two messages for one clock, of which one is saved. */
  sharesKey: boolean
}

class Step implements fc.AsyncCommand<object, Run> {
  readonly #name: string
  readonly #run: (run: Run) => void | Promise<void>

  constructor (name: string, run: (run: Run) => void | Promise<void>) {
    this.#name = name
    this.#run = run
  }

  check (): boolean {
    return true
  }

  async run (_model: object, run: Run): Promise<void> {
    await this.#run(run)
    await run.world.settle()
    checkAlways(run)
  }

  toString (): string {
    return this.#name
  }
}

/** Never two messages under one clock, and never fewer pending changes than the server lacks. */
function checkAlways ({ world: { server }, tabs, sharesKey }: Run): void {
  for (const [id, signatures] of server.seen) {
    if (signatures.size > 1 && !sharesKey) throw new Error(`two messages under one clock: ${id}`)
  }
  for (const [index, { crdt, document, written }] of tabs.entries()) {
    const missing = written.filter(({ text }) => crdt.texts.has(text) && !server.texts.has(text))
    const { pending } = document.getState()
    if (pending < missing.length) throw new Error(`tab ${index} has ${pending} pending changes, the server lacks ${missing.length}`)
  }
}

const tab = fc.nat({ max: 2 })
const line = fc.nat({ max: 5 })
const times = fc.integer({ min: 1, max: 4 })

function lineOf ({ world }: Run, index: number) {
  const lines = world.openLines
  return lines[index % Math.max(1, lines.length)]
}

let count = 0

const commands = [
  fc.tuple(tab, times).map(([tab, times]) => new Step(`write ${times} in tab ${tab}`, ({ tabs }) => {
    for (let i = 0; i < times; i++) tabs[tab]!.write(`text ${count++}`)
  })),
  fc.tuple(line, times).map(([index, times]) => new Step(`up ${times} on line ${index}`, async (run) => {
    for (let i = 0; i < times; i++) { lineOf(run, index)?.open(); lineOf(run, index)?.deliverUp(); await run.world.settle() }
  })),
  fc.tuple(line, times).map(([index, times]) => new Step(`down ${times} on line ${index}`, async (run) => {
    for (let i = 0; i < times; i++) { lineOf(run, index)?.open(); lineOf(run, index)?.deliverDown(); await run.world.settle() }
  })),
  fc.constant(new Step('devices are slow', ({ world }) => world.interrupt())),
  fc.constantFrom(1, 2, 5, Infinity).map((steps) => new Step(`${steps} steps of work`, ({ world }) => world.resume(steps))),
  fc.constant(new Step('flow', ({ world }) => world.flow())),
  fc.constantFrom(5, 20, 300, 3000, 30_000).map((ms) => new Step(`wait ${ms} ms`, ({ world }) => world.advance(ms))),
  line.map((index) => new Step(`cut line ${index}`, (run) => lineOf(run, index)?.cut())),
  line.map((index) => new Step(`line ${index} dies`, (run) => {
    const line = lineOf(run, index)
    if (line !== undefined) line.isDead = true
  })),
  fc.constantFrom<Mood>('refuse', 'saveAndRefuse', 'saveInSilence', 'saveAndRepeat', 'requireSnapshot').map((mood) =>
    new Step(`the server will ${mood}`, ({ world }) => { world.server.moods.push(mood) })),
  tab.map((tab) => new Step(`snapshot by tab ${tab}`, ({ tabs }) => { void tabs[tab]!.document.createSnapshot().catch(() => {}) })),
  tab.map((tab) => new Step(`crash tab ${tab}`, ({ tabs }) => tabs[tab]!.crash())),
  tab.map((tab) => new Step(`reopen tab ${tab}`, ({ tabs }) => tabs[tab]!.reopen()))
]

async function run (seed: number, sharesKey: boolean, cmds: Iterable<fc.AsyncCommand<object, Run>>): Promise<void> {
  const server = new SimulatedServer(key)
  const world = new World(server, seed)
  const storage = new CrashingStorage(memoryStorage())
  const keyPair = sharesKey ? createKeyPair() : undefined
  const tabs = [
    new Tab(world, new CrashingStorage(memoryStorage()), createKeyPair()),
    new Tab(world, storage, keyPair),
    new Tab(world, storage, keyPair)
  ]
  const real = { world, tabs, sharesKey }
  await world.settle()
  await fc.asyncModelRun(() => ({ model: {}, real }), cmds)

  // Everything works again: in the end all have everything.
  server.moods = []
  world.resume()
  for (const line of world.lines) {
    if (line.isDead) line.cut()
  }
  for (let i = 0; i < 60; i++) {
    await world.flow()
    await world.advance(i < 30 ? 500 : 30_000)
  }
  await world.flow()
  const written = tabs.flatMap(({ written }) => written.map(({ text }) => text))
  for (const [index, { crdt, document }] of tabs.entries()) {
    const { connection, pending } = document.getState()
    const missing = written.filter((text) => !crdt.texts.has(text))
    if (connection.status !== 'live' || pending > 0 || missing.length > 0) {
      throw new Error(`tab ${index}: ${JSON.stringify(connection)}, ${pending} pending, without ${missing.join()}`)
    }
  }
  await Promise.all(tabs.map(({ document }) => document.destroy()))
}

t.setTimeout(600_000)

t.test('nothing is lost, whatever lines, server and tabs do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.boolean(), fc.commands(commands, { size: '+1', maxCommands: 80 }), run),
    { numRuns: Number(process.env.RUNS ?? 40) })
})
