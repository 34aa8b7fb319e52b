import type { Change, SnapshotChange } from '../protocol/changes.ts'
import { advance, copyOf, lastClock, positionOf, sameCursor, type Cursor } from '../protocol/cursor.ts'
import type { Client } from './client.ts'

interface Member {
  /** Has been sent the document. */
  joined: boolean
  /** Where it is, as long as that is not where the room is. */
  cursor?: Cursor | undefined
}

/** The clients of a room, and where each is in the document: where the room is, unless what it was sent was ahead of that. */
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

  /** Those that are ahead of the room. */
  get ahead (): Client[] {
    return this.#those(({ cursor }) => cursor !== undefined)
  }

  #those (are: (member: Member, client: Client) => boolean): Client[] {
    return [...this.#members].filter(([client, member]) => are(member, client)).map(([client]) => client)
  }

  /** It waits for its document. */
  add (client: Client): void {
    this.#members.set(client, { joined: false })
  }

  /** It has been sent a document that ends here. */
  join (client: Client, cursor: Cursor): void {
    this.#members.set(client, { joined: true, cursor: copyOf(cursor) })
  }

  /** False: it was not there. */
  delete (client: Client): boolean {
    return this.#members.delete(client)
  }

  /** Whether one is to get a change, after which it has it. Who is ahead of the room has some already, and whoever has left gets nothing. */
  follows (client: Client, change: Change): boolean {
    const member = this.#members.get(client)
    return member !== undefined && follows(member, change)
  }

  /** Those that are to get a change, by which the room has come to `cursor`. */
  following (change: Change, cursor: Cursor): Client[] {
    const following: Client[] = []
    for (const [client, member] of this.#members) {
      if (!member.joined) continue
      if (follows(member, change)) following.push(client)
      isAt(member, cursor)
    }
    return following
  }

  /** Whether one is where the room is, or has left. */
  isAt (client: Client, cursor: Cursor): boolean {
    const member = this.#members.get(client)
    return member === undefined || isAt(member, cursor)
  }

  /** Those that are somewhere else, when the room has gone back to `cursor`. */
  elsewhere (cursor: Cursor): Client[] {
    return this.#those((member) => member.joined && (member.cursor === undefined || !isAt(member, cursor)))
  }

  /**
   * Those that cannot follow a room from `cursor` to a snapshot whose parent's updates were not all relayed. It is only good for those who
   * wrote none of these: the client fails for good on a snapshot that knows more of its own updates than it does itself. And no client
   * can follow over two snapshots.
   */
  unableToJump ({ parentSnapshotId, parentClocks }: SnapshotChange, cursor: Cursor): Client[] {
    const wroteMore = (author: string): boolean => (parentClocks[author] ?? -1) !== lastClock(cursor, author)
    return this.#those((member, client) => member.joined &&
      (parentSnapshotId !== cursor.snapshotId || member.cursor !== undefined || authorsOf(client).some(wroteMore)))
  }
}

/** Who it may be. One that has come back and said nothing yet may be any of those that it knew. */
function authorsOf ({ authors, known }: Client): string[] {
  return authors.size > 0 ? [...authors] : Object.keys(known.knownSnapshotUpdateClocks ?? {})
}

function follows (member: Member, change: Change): boolean {
  if (member.cursor === undefined) return true
  if (positionOf(change, member.cursor) !== 'next') return false
  advance(member.cursor, change)
  return true
}

/** Who is there once goes with the room from then on. */
function isAt (member: Member, cursor: Cursor): boolean {
  if (member.cursor !== undefined && sameCursor(member.cursor, cursor)) member.cursor = undefined
  return member.cursor === undefined
}
