import t from 'tap'
import { createId, createKey, createKeyPair } from '../../lib/client/crypto/keys.ts'
import { createSnapshot, decrypt } from '../../lib/client/crypto/messages.ts'
import { verifyAll } from '../../lib/client/crypto/open.ts'
import { proofEntryOf } from '../../lib/client/crypto/proof.ts'
import { finish, Pace, type Work } from '../../lib/client/crypto/work.ts'
import { noParent } from '../../lib/protocol/chain.ts'

const key = createKey()
const author = createKeyPair()

function newSnapshot (content: Uint8Array) {
  return createSnapshot(content, { docId: 'document', snapshotId: createId(), parent: noParent, parentSnapshotUpdateClocks: {} }, key, author)
}

/** The longest step, in milliseconds of this process alone, and the result. */
function longestStep<T> (work: Work<T>): { longest: number, steps: number, result: T } {
  let longest = 0
  for (let steps = 1; ; steps++) {
    const start = process.cpuUsage()
    const step = work.next()
    longest = Math.max(longest, process.cpuUsage(start).user / 1000)
    if (step.done === true) return { longest, steps, result: step.value }
  }
}

t.test('work on a big snapshot has many steps: none of them takes a frame', async (t) => {
  finish(newSnapshot(new Uint8Array(100_000)))
  const created = longestStep(newSnapshot(new Uint8Array(3_000_000)))
  for (const [name, { longest, steps }] of Object.entries({
    create: created,
    decrypt: longestStep(decrypt(created.result, key)),
    hash: longestStep(proofEntryOf(created.result))
  })) {
    t.ok(steps > 60, `${name}: ${steps} steps`)
    // A frame has 16 ms; a machine that runs other tests is slower, and garbage is collected in between.
    t.ok(longest < 100, `${name}: ${longest.toFixed(1)} ms`)
  }
})

t.test('other tasks run while a big snapshot is created, verified and decrypted', async (t) => {
  const pace = new Pace(1)
  let turns = 0
  const count = () => {
    turns++
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  t.teardown(() => clearImmediate(next))
  const during = async <T>(work: Promise<T>) => {
    const before = turns
    const result = await work
    return { result, turns: turns - before }
  }
  const { result: snapshot, turns: whileCreating } = await during(pace.run(newSnapshot(new Uint8Array(2_000_000))))
  t.ok(whileCreating > 5)
  const verification = await during(verifyAll('snapshot', [snapshot], { pace, verifier: 'javascript' }))
  t.same(verification.result, [undefined])
  t.ok(verification.turns > 5)
  const decryption = await during(pace.run(decrypt(snapshot, key)))
  t.equal(decryption.result.length, 2_000_000)
  t.ok(decryption.turns > 5)
})

t.test('an endless budget never yields', async (t) => {
  let isNext = false
  setImmediate(() => { isNext = true })
  const pace = new Pace(Infinity)
  await pace.run(newSnapshot(new Uint8Array(1_000_000)))
  t.notOk(isNext)
})

t.test('without setImmediate, as in browsers, the event loop goes on through a channel', async (t) => {
  const { setImmediate } = globalThis
  t.teardown(() => { globalThis.setImmediate = setImmediate })
  Reflect.deleteProperty(globalThis, 'setImmediate')
  const pace = new Pace(0)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const snapshot = await pace.run(newSnapshot(new Uint8Array(1_000_000)))
  clearInterval(timer)
  t.ok(turns > 0)
  t.equal(finish(decrypt(snapshot, key)).length, 1_000_000)
})

t.test('an error ends the work, and the pace serves the next', async (t) => {
  const pace = new Pace()
  await t.rejects(pace.run(decrypt(finish(newSnapshot(new Uint8Array())), createKey())), { code: 'SECSYNC_WRONG_KEY' })
  t.equal((await pace.run(decrypt(finish(newSnapshot(new Uint8Array())), key))).length, 0)
})
