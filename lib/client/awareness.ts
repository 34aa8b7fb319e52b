import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from 'y-protocols/awareness'
import type { Presence } from './presence.ts'

// The messages are those of `secsync-react-yjs`: awareness updates in which each state names its author's key in `user.publicKey`,
// so that nobody can move the cursor of somebody else.

/** Milliseconds between two messages: typing moves the cursor with every key. */
const pause = 30

/** States that one author may have: an `Awareness` has one. */
const maxStatesOfAuthor = 4

type State = Record<string, unknown>

export interface AwarenessOptions {
  /** Whether a state of somebody else is taken: `user.publicKey` in it is its author. */
  isValidState?: ((state: Record<string, unknown>) => boolean) | undefined
}

/** Origin of changes that come from others. */
const remote = 'secsync-remote'

/** Connects the states of an `Awareness` with those of others. Returns a function that tells them that this one is gone, and ends it. */
export function connectAwareness (awareness: Awareness, presence: Presence, { isValidState = () => true }: AwarenessOptions = {}): () => void {
  const { clientID } = awareness
  /** Who has sent the state of a client. */
  const owners = new Map<number, string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let mustSend = false

  const send = (state: State | null) => presence.send(encodeAwarenessUpdate(awareness, [clientID], new Map([[clientID, state as State]])))

  const sendOwn = () => {
    const state = awareness.getLocalState()
    mustSend = timer !== undefined && state !== null
    if (mustSend) return
    send(withPublicKey(state, presence.publicKey))
    timer ??= setTimeout(() => {
      timer = undefined
      if (mustSend) sendOwn()
    }, pause)
  }

  const onUpdate = ({ added, updated, removed }: Record<'added' | 'updated' | 'removed', number[]>) => {
    for (const id of removed) owners.delete(id)
    if ([added, updated, removed].some((ids) => ids.includes(clientID))) sendOwn()
  }

  const receive = (publicKey: string, content: Uint8Array) => {
    const entries = decodeAwarenessUpdate(content)
    const isOfAuthor = entries?.every(({ id, state }) => id !== clientID && (owners.get(id) ?? publicKey) === publicKey &&
      (state === null ? owners.has(id) : isState(state) && publicKeyOf(state) === publicKey && isValidState(state)))
    if (entries === undefined || isOfAuthor !== true) return
    const ids = new Set(entries.map(({ id }) => id))
    for (const [id, owner] of owners) if (owner === publicKey) ids.add(id)
    if (ids.size > maxStatesOfAuthor) return
    for (const { id } of entries) owners.set(id, publicKey)
    applyAwarenessUpdate(awareness, content, remote)
  }

  /** With a higher clock: who knows this state already sees that it still holds. */
  const repeatOwn = () => {
    const state = awareness.getLocalState()
    if (state !== null) awareness.setLocalState(state)
  }

  const forgetOthers = () => {
    const others = [...awareness.meta.keys()].filter((id) => id !== clientID)
    removeAwarenessStates(awareness, others, remote)
    // Else a state that comes again with the same clock would be taken for old.
    for (const id of others) awareness.meta.delete(id)
    owners.clear()
  }

  const leave = () => {
    if (awareness.getLocalState() !== null) send(null)
  }
  const onPageShow = ({ persisted }: { persisted?: boolean }) => {
    if (persisted === true) repeatOwn()
  }

  awareness.on('update', onUpdate)
  const unsubscribe = presence.subscribe((event) => {
    switch (event.type) {
      case 'message': return receive(event.publicKey, event.content)
      case 'peer': return repeatOwn()
      case 'disconnected': return forgetOthers()
    }
  })
  const page = globalThis as unknown as Partial<Page>
  page.addEventListener?.('pagehide', leave)
  page.addEventListener?.('pageshow', onPageShow)

  return () => {
    clearTimeout(timer)
    page.removeEventListener?.('pagehide', leave)
    page.removeEventListener?.('pageshow', onPageShow)
    awareness.off('update', onUpdate)
    unsubscribe()
    leave()
    forgetOthers()
  }
}

/** What a browser's window has, and Node.js not. */
interface Page {
  addEventListener (type: string, listener: (event: { persisted?: boolean }) => void): void
  removeEventListener (type: string, listener: (event: { persisted?: boolean }) => void): void
}

function withPublicKey (state: State | null, publicKey: string): State | null {
  if (state === null) return null
  const user = typeof state.user === 'object' && state.user !== null ? state.user : {}
  return { ...state, user: { ...user, publicKey } }
}

function isState (state: unknown): state is State {
  return typeof state === 'object' && state !== null
}

function publicKeyOf ({ user }: State): unknown {
  return isState(user) ? user.publicKey : undefined
}

interface Entry {
  id: number
  state: unknown
}

/** The clients and their states; `undefined` when it is not an awareness update. Numbers are lib0's: 7 bits in each byte, the lowest first. */
function decodeAwarenessUpdate (bytes: Uint8Array): Entry[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const number = () => {
    let value = 0
    let factor = 1
    let byte: number
    do {
      if (factor > 2 ** 49) throw new RangeError('Not a number')
      byte = view.getUint8(at++)
      value += (byte & 127) * factor
      factor *= 128
    } while (byte > 127)
    return value
  }
  try {
    const entries: Entry[] = []
    for (let left = number(); left > 0; left--) {
      const id = number()
      number() // The clock.
      const length = number()
      const text = bytes.subarray(at, at += length)
      if (text.length < length) return undefined
      entries.push({ id, state: JSON.parse(new TextDecoder().decode(text)) as unknown })
    }
    return entries
  } catch {
    return undefined
  }
}
