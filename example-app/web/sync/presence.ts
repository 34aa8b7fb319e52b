import type { Awareness } from 'y-protocols/awareness'
import type { Membership } from '../api.ts'
import { colorAt } from './colors.ts'
import { isPosition, isRecord } from './position.ts'

// Presence travels encrypted and is kept nowhere. It comes from other browsers, and says only where somebody is: who they are comes from the server.

export interface PresenceState {
  /** Set by the client, and checked: who signed it. */
  user?: { publicKey?: string } | undefined
  cursor?: { anchor: unknown, head: unknown } | null
  /** When this person last changed who may do what. */
  membersChangedAt?: number
}

export interface Person {
  name: string
  memberId: string
  color: string
}

const largest = 2000

/** Whether it has the form of a state of this app, also of its earlier versions. Nothing else reaches the editor. */
export function isPresenceState (state: Record<string, unknown>): boolean {
  const { cursor, membersChangedAt } = state
  if (cursor !== undefined && cursor !== null && !(isRecord(cursor) && isPosition(cursor.anchor) && isPosition(cursor.head))) return false
  return (membersChangedAt === undefined || Number.isSafeInteger(membersChangedAt)) && JSON.stringify(state).length <= largest
}

/** By the number of the client. Those of others are checked. */
export function statesOf (presence: Awareness): Map<number, PresenceState> {
  return presence.getStates()
}

/** Whose page signs with this key, as the server knows it. */
export function personOf ({ members }: Membership, publicKey: string | undefined): Person | undefined {
  const place = members.findIndex(({ publicKeys }) => publicKey !== undefined && publicKeys.includes(publicKey))
  return personAt(members, place)
}

export function personAt (members: Membership['members'], place: number): Person | undefined {
  const member = members[place]
  return member && { name: member.name, memberId: member.memberId, color: colorAt(place) }
}
