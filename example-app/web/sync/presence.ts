import type { Awareness } from 'y-protocols/awareness'

/** What the people in a document say about themselves. It travels encrypted and is kept nowhere. */
export interface Person {
  name: string
  color: string
  memberId: string
}

export interface PresenceState {
  user?: Partial<Person>
  cursor?: unknown
  /** When this person last changed who may do what. */
  membersChangedAt?: number
}

export function statesOf (presence: Awareness): Map<number, PresenceState> {
  return presence.getStates()
}

/** Who somebody is, once they have said all of it. */
export function personIn (state: PresenceState | undefined): Person | undefined {
  const { name, color, memberId } = state?.user ?? {}
  return name === undefined || color === undefined || memberId === undefined ? undefined : { name, color, memberId }
}
