import { createId } from '../crypto/keys.ts'

/** The part of Web Locks that is used here. */
interface Locks {
  request (name: string, callback: () => Promise<void>): Promise<void>
  query (): Promise<{ held?: Array<{ name?: string }> }>
}

const prefix = 'fastify-secsync session '

/** Of this page: all that is known where there are no Web Locks. */
const ofThisPage = new Set<string>()

/** A user of a storage, alive as long as its page is there and it is not ended: the browser releases its lock also after a crash. */
export interface Session {
  readonly id: string
  end (): void
}

export async function beginSession (): Promise<Session> {
  const id = createId()
  ofThisPage.add(id)
  const ending = new AbortController()
  const ended = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()))
  const end = () => {
    ofThisPage.delete(id)
    ending.abort()
  }
  await new Promise<void>((resolve) => {
    const held = locks()?.request(prefix + id, () => {
      resolve()
      return ended
    })
    // Without locks others take over what it leaves behind while it is alive. Then both send it, and it is applied once.
    if (held === undefined) resolve()
    else held.catch(() => resolve())
  })
  return { id, end }
}

/** Ids of the sessions that have begun and not ended, in all pages. */
export async function livingSessions (): Promise<Set<string>> {
  const { held = [] } = await locks()?.query() ?? {}
  const ids = held.flatMap(({ name }) => name?.startsWith(prefix) === true ? [name.slice(prefix.length)] : [])
  return new Set([...ids, ...ofThisPage])
}

/** Resolves when a session of another page has ended. Where that is not known, it never does. */
export async function whenEnded (id: string): Promise<void> {
  await (locks()?.request(prefix + id, async () => {}) ?? new Promise(() => {}))
}

/** Only in secure contexts, and in Node.js from 24 on. */
function locks (): Locks | undefined {
  return (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
}
