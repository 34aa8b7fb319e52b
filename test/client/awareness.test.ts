import fc from 'fast-check'
import t, { type Test } from 'tap'
import { Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { connectAwareness, type AwarenessOptions } from '../../lib/client/awareness.ts'
import type { Presence, PresenceEvent } from '../../lib/client/presence.ts'

/** Relays between all that are connected, as the server does. */
class Network {
  readonly members = new Set<Member>()
}

class Member implements Presence {
  readonly publicKey: string
  readonly sent: Uint8Array[] = []
  readonly awareness = new Awareness(new Y.Doc())
  readonly end: () => void
  readonly #network: Network
  #listener: (event: PresenceEvent) => void = () => {}

  constructor (network: Network, publicKey: string, options?: AwarenessOptions) {
    this.#network = network
    this.publicKey = publicKey
    this.end = connectAwareness(this.awareness, this, options)
    this.connect()
  }

  connect (): void {
    for (const other of this.#network.members) other.receive({ type: 'peer', publicKey: this.publicKey })
    this.#network.members.add(this)
    this.receive({ type: 'peer', publicKey: 'everybody' })
  }

  disconnect (): void {
    this.#network.members.delete(this)
    this.receive({ type: 'disconnected' })
  }

  send (content: Uint8Array): void {
    this.sent.push(content)
    if (!this.#network.members.has(this)) return
    for (const other of this.#network.members) {
      if (other !== this) other.receive({ type: 'message', publicKey: this.publicKey, content })
    }
  }

  subscribe (listener: (event: PresenceEvent) => void): () => void {
    this.#listener = listener
    return () => { this.#listener = () => {} }
  }

  receive (event: PresenceEvent): void {
    this.#listener(event)
  }

  /** The names of the others that it sees. */
  get others (): string[] {
    return [...this.awareness.getStates()].filter(([id]) => id !== this.awareness.clientID).map(([, { name }]) => String(name)).sort()
  }

  /** Resolves once it sees exactly these. */
  async sees (...names: string[]): Promise<void> {
    while (JSON.stringify(this.others) !== JSON.stringify(names)) {
      await new Promise<void>((resolve) => this.awareness.once('change', () => resolve()))
    }
  }
}

function join (t: Test, network: Network, name: string, options?: AwarenessOptions): Member {
  const member = new Member(network, `key of ${name}`, options)
  member.awareness.setLocalStateField('name', name)
  t.teardown(() => {
    member.end()
    member.awareness.doc.destroy()
  })
  return member
}

t.test('everybody sees everybody, whoever comes first; who leaves is gone at once', async (t) => {
  const network = new Network()
  const anna = join(t, network, 'Anna')
  const ben = join(t, network, 'Ben')
  const cleo = join(t, network, 'Cleo')
  await anna.sees('Ben', 'Cleo')
  await ben.sees('Anna', 'Cleo')
  await cleo.sees('Anna', 'Ben')
  ben.end()
  t.same([anna.others, cleo.others, ben.others], [['Cleo'], ['Anna'], []])
})

t.test('after a reconnect everybody is seen again, with the state that they have now', async (t) => {
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  await anna.sees('Ben')
  await ben.sees('Anna')
  for (let round = 0; round < 3; round++) {
    ben.disconnect()
    t.same(ben.others, [], 'without a connection nobody is known to be there')
    anna.awareness.setLocalStateField('name', `Anna ${round}`)
    ben.connect()
    await ben.sees(`Anna ${round}`)
    await anna.sees('Ben')
  }
})

t.test('a state carries the public key beside what the application has there', async (t) => {
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  anna.awareness.setLocalState({ name: 'Anna', user: { color: 'red', publicKey: 'somebody else' } })
  await ben.sees('Anna')
  const user = () => ben.awareness.getStates().get(anna.awareness.clientID)?.user as unknown
  while (user() === undefined || !('color' in (user() as object))) await new Promise<void>((resolve) => ben.awareness.once('change', () => resolve()))
  t.same(user(), { color: 'red', publicKey: 'key of Anna' })
})

t.test('nobody moves or removes the cursor of somebody else', async (t) => {
  const network = new Network()
  const [anna, ben, mallory] = [join(t, network, 'Anna'), join(t, network, 'Ben'), join(t, network, 'Mallory')]
  await anna.sees('Ben', 'Mallory')
  const forged = (client: Member, state: unknown, publicKey = mallory.publicKey) => {
    const source = new Awareness(new Y.Doc())
    source.meta.set(client.awareness.clientID, { clock: 1000, lastUpdated: 0 })
    const content = encodeAwarenessUpdate(source, [client.awareness.clientID], new Map([[client.awareness.clientID, state as { [name: string]: unknown }]]))
    source.doc.destroy()
    anna.receive({ type: 'message', publicKey, content })
  }
  forged(ben, null)
  forged(ben, { name: 'Forged', user: { publicKey: mallory.publicKey } })
  forged(ben, { name: 'Forged', user: { publicKey: ben.publicKey } })
  forged(anna, { name: 'Forged', user: { publicKey: mallory.publicKey } })
  forged(mallory, { name: 'Forged' })
  forged(mallory, 5)
  t.same(anna.others, ['Ben', 'Mallory'])
  t.equal(anna.awareness.getLocalState()?.name, 'Anna')
  forged(mallory, { name: 'Own', user: { publicKey: mallory.publicKey } })
  t.same(anna.others, ['Ben', 'Own'])
})

t.test('content that is no awareness update is left out', async (t) => {
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  await anna.sees('Ben')
  const valid = ben.sent.at(-1)!
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => valid.with(at, byte)),
    fc.nat(valid.length).map((length) => valid.subarray(0, length))), (content) => {
    anna.receive({ type: 'message', publicKey: 'key of somebody', content })
  }))
  t.same(anna.others, ['Ben'])
})

t.test('many movements are few messages, and the last one arrives', async (t) => {
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  await ben.sees('Anna')
  const before = anna.sent.length
  for (let position = 0; position < 500; position++) anna.awareness.setLocalStateField('position', position)
  const position = () => ben.awareness.getStates().get(anna.awareness.clientID)?.position as unknown
  while (position() !== 499) await new Promise<void>((resolve) => ben.awareness.once('update', () => resolve()))
  t.ok(anna.sent.length - before <= 10, `${anna.sent.length - before} messages`)
})

t.test('a state that is set to null is told at once', async (t) => {
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  await ben.sees('Anna')
  anna.awareness.setLocalState(null)
  t.same(ben.others, [])
  anna.awareness.setLocalState({ name: 'Anna' })
  await ben.sees('Anna')
})

t.test('a state that the application refuses is left out, and the one before it stays', async (t) => {
  const network = new Network()
  const seen: unknown[] = []
  const anna = join(t, network, 'Anna', {
    isValidState: (state) => {
      seen.push((state as { user: { publicKey: string } }).user.publicKey)
      return typeof state.name === 'string'
    }
  })
  const [ben, cleo] = [join(t, network, 'Ben'), join(t, network, 'Cleo')]
  await anna.sees('Ben', 'Cleo')
  ben.awareness.setLocalStateField('name', { toString: 'no function' })
  cleo.awareness.setLocalStateField('name', 'Cleopatra')
  await anna.sees('Ben', 'Cleopatra')
  t.same([...new Set(seen)].sort(), ['key of Ben', 'key of Cleo'])
})

t.test('one author does not fill the list of those who are here', async (t) => {
  const network = new Network()
  const [anna, ben, mallory] = [join(t, network, 'Anna'), join(t, network, 'Ben'), join(t, network, 'Mallory')]
  await anna.sees('Ben', 'Mallory')
  for (let id = 1; id <= 1000; id++) {
    const source = new Awareness(new Y.Doc())
    source.clientID = id
    source.meta.set(id, { clock: 1, lastUpdated: 0 })
    source.states.set(id, { name: `Mallory ${id}`, user: { publicKey: mallory.publicKey } })
    anna.receive({ type: 'message', publicKey: mallory.publicKey, content: encodeAwarenessUpdate(source, [id]) })
    source.doc.destroy()
  }
  t.equal(anna.others.length, 1 + 4)
  ben.awareness.setLocalStateField('name', 'Benjamin')
  await anna.sees('Benjamin', 'Mallory', 'Mallory 1', 'Mallory 2', 'Mallory 3')
})

t.test('a page that ends says so, and one that comes back out of the cache says that it is there', async (t) => {
  const page = new EventTarget()
  const globals = { addEventListener: page.addEventListener.bind(page), removeEventListener: page.removeEventListener.bind(page) }
  Object.assign(globalThis, globals)
  t.teardown(() => { for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name) })
  const network = new Network()
  const [anna, ben] = [join(t, network, 'Anna'), join(t, network, 'Ben')]
  await ben.sees('Anna')
  const pageShow = (persisted: boolean) => page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted }))
  pageShow(false)
  page.dispatchEvent(new Event('pagehide'))
  t.same(ben.others, [])
  pageShow(true)
  await ben.sees('Anna')
  for (const member of [anna, ben]) member.end()
  const sent = anna.sent.length
  page.dispatchEvent(new Event('pagehide'))
  t.equal(anna.sent.length, sent)
})
