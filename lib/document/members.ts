import type { Change, SnapshotChange } from '../protocol/changes.ts'
import { advance, copyOf, lastClock, positionOf, sameCursor, type Cursor } from '../protocol/cursor.ts'
import type { Client } from './client.ts'

interface Member {
  /** Whether the document was sent. */
  joined: boolean
  /** The cursor of the client while it differs from the room's. */
  cursor?: Cursor | undefined
}

/** The clients of a room and their cursors. A client has its own cursor only while its loaded document is ahead of the room. */
export class Members {
  readonly #members = new Map<Client, Member>()

  get size (): number {
    return this.#members.size
  }

  has (client: Client): boolean {
    return this.#members.has(client)
  }

  get joined (): Client[] {
    return this.#those(({ joined }) => joined)
  }

  /** The clients that are ahead of the room. */
  get ahead (): Client[] {
    return this.#those(({ cursor }) => cursor !== undefined)
  }

  #those (are: (member: Member, client: Client) => boolean): Client[] {
    return [...this.#members].filter(([client, member]) => are(member, client)).map(([client]) => client)
  }

  /** Adds a client that waits for its document. */
  add (client: Client): void {
    this.#members.set(client, { joined: false })
  }

  /** Notes that the client was sent a document with this cursor. */
  join (client: Client, cursor: Cursor): void {
    this.#members.set(client, { joined: true, cursor: copyOf(cursor) })
  }

  /** Returns false if the client is not a member. */
  delete (client: Client): boolean {
    return this.#members.delete(client)
  }

  /** Returns whether the client needs this change, and advances its cursor if so. */
  follows (client: Client, change: Change): boolean {
    const member = this.#members.get(client)
    return member !== undefined && follows(member, change)
  }

  /** Returns the clients that need a change, and advances their cursors. `cursor` is the room's after the change. */
  following (change: Change, cursor: Cursor): Client[] {
    const following: Client[] = []
    for (const [client, member] of this.#members) {
      if (!member.joined) continue
      if (follows(member, change)) following.push(client)
      isAt(member, cursor)
    }
    return following
  }

  /** Whether the client is at the room's cursor, or has left. */
  isAt (client: Client, cursor: Cursor): boolean {
    const member = this.#members.get(client)
    return member === undefined || isAt(member, cursor)
  }

  /** The clients with another cursor, after the room was rolled back to `cursor`. */
  elsewhere (cursor: Cursor): Client[] {
    return this.#those((member) => member.joined && (member.cursor === undefined || !isAt(member, cursor)))
  }

  /**
   * The clients that cannot follow the room from `cursor` to a snapshot if some updates of its parent were not relayed. The published client
   * fails permanently on a snapshot whose clocks contain more of its own updates than it knows. No client can skip a snapshot.
   */
  unableToJump ({ parentSnapshotId, parentClocks }: SnapshotChange, cursor: Cursor): Client[] {
    const wroteMore = (author: string): boolean => (parentClocks[author] ?? -1) !== lastClock(cursor, author)
    return this.#those((member, client) => member.joined &&
      (parentSnapshotId !== cursor.snapshotId || member.cursor !== undefined || authorsOf(client).some(wroteMore)))
  }
}

/** The possible authors of a client. A reconnected client that has sent nothing may be any author that it knows. */
function authorsOf ({ authors, known }: Client): string[] {
  return authors.size > 0 ? [...authors] : Object.keys(known.knownSnapshotUpdateClocks ?? {})
}

function follows (member: Member, change: Change): boolean {
  if (member.cursor === undefined) return true
  if (positionOf(change, member.cursor) !== 'next') return false
  advance(member.cursor, change)
  return true
}

/** A client that has reached the room's cursor shares it from then on. The same clocks with another version are other updates: of a repaired document. */
function isAt (member: Member, cursor: Cursor): boolean {
  if (member.cursor !== undefined && sameCursor(member.cursor, cursor) && !isOtherVersion(member.cursor, cursor)) member.cursor = undefined
  return member.cursor === undefined
}

function isOtherVersion ({ version }: Cursor, other: Cursor): boolean {
  return version !== undefined && other.version !== undefined && version !== other.version
}
