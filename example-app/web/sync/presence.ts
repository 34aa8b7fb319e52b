import { applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates, type Awareness } from 'y-protocols/awareness'

/** What the people in a document say about themselves. It travels encrypted and is kept nowhere. */
export interface Person {
  name: string
  color: string
  memberId: string
  /** One browser tab: the same person may have several. */
  tab: string
}

export interface PresenceState {
  user?: Partial<Person> & { publicKey?: string }
  cursor?: unknown
  left?: boolean
  /** When this person last changed who may do what. */
  membersChangedAt?: number
}

type Changed = Record<'added' | 'updated' | 'removed', number[]>
const fromOthers = Symbol('from others')

/**
 * Joins the presence of the editor, which lasts as long as the page, with that of one connection, which useYjsSync makes.
 * The hook takes no message that says that somebody left (it reads a name in the `null` that stands for it), so leaving is a state of
 * its own here, and it clears the own state at every interruption, so it is set again.
 */
export function joinPresence (local: Awareness, line: Awareness, publicKey: string) {
  const announce = (left = false) => {
    const state = local.getLocalState() as PresenceState
    line.setLocalState(left ? { user: { publicKey }, left } : { ...state, user: { ...state.user, publicKey } })
  }

  const sendOwn = ({ added, updated }: Changed) => {
    if ([...added, ...updated].includes(local.clientID)) announce()
  }

  const takeOthers = ({ added, updated, removed }: Changed) => {
    const present: number[] = []
    const gone = [...removed]
    for (const id of [...added, ...updated]) {
      if (id === line.clientID) continue
      const state = line.getStates().get(id) as PresenceState | undefined
      if (state?.user?.tab === undefined) gone.push(id)
      else present.push(id)
    }
    // A tab that connected anew has a new id. Its old one would stay until it times out.
    const tabs = new Set(present.map((id) => (line.getStates().get(id) as PresenceState).user?.tab))
    for (const [id, state] of local.getStates()) {
      if (id !== local.clientID && !present.includes(id) && tabs.has((state as PresenceState).user?.tab)) gone.push(id)
    }
    removeAwarenessStates(local, gone.filter((id) => id !== local.clientID), fromOthers)
    applyAwarenessUpdate(local, encodeAwarenessUpdate(line, present), fromOthers)
  }

  const leave = () => {
    const others = [...local.getStates().keys()].filter((id) => id !== local.clientID)
    removeAwarenessStates(local, others, fromOthers)
  }

  local.on('update', sendOwn)
  line.on('update', takeOthers)
  return {
    announce,
    /** Without a connection nobody else is here. */
    end () {
      local.off('update', sendOwn)
      line.off('update', takeOthers)
      leave()
    }
  }
}
