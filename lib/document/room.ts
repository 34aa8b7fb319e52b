import type { FastifyBaseLogger } from 'fastify'
import type { Link } from '../nodes/link.ts'
import type { Nodes } from '../nodes/nodes.ts'
import { documentError, documentNotFound } from '../protocol/answers.ts'
import { closeCodes } from '../protocol/close-codes.ts'
import { isAtLeast } from '../protocol/cursor.ts'
import type { Known, LoadedDocument, StoredBytes } from '../stores/store.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import type { Access } from './access.ts'
import { CatchUp } from './catch-up.ts'
import type { Client } from './client.ts'
import { Compaction, type CompactionLimits } from './compaction.ts'
import { Feed } from './feed.ts'
import { Gate } from './gate.ts'
import { Loads } from './loads.ts'
import { Members } from './members.ts'
import { repeatComplete } from './repeat.ts'
import { Snapshots } from './snapshots.ts'
import type { StoreCalls } from './store-calls.ts'
import { StoredUpdates } from './stored-updates.ts'
import { Turns } from './turns.ts'
import { UpdateFailures } from './update-failures.ts'
import { Updates } from './updates.ts'
import { isUpdate, type RefusedUpdate, type Write } from './write.ts'

export interface RoomSettings {
  access: Access
  /** The other nodes, if there are any. */
  nodes: Nodes | undefined
  telemetry: Telemetry
  log: FastifyBaseLogger
  /** How many authors may have updates on one snapshot. */
  maxAuthors: number
  /** How many bytes a document may have. 0: no limit. */
  maxBytes: number
  /** When an author is asked for a snapshot. */
  compaction: CompactionLimits
}

/** How joining ended. `rolledBack`: the client knows more than is stored. `left`: it was closed meanwhile. */
export type Joined = 'joined' | 'left' | 'notFound' | 'rolledBack'

/** What is there once the document was loaded for the first time. */
interface Open {
  feed: Feed
  catchUp: CatchUp
  updates: Updates
  failures: UpdateFailures
  snapshots: Snapshots
}

type State = { name: 'opening' } | { name: 'open' } & Open | { name: 'ended' }

/**
 * The clients of one document on this node. The store decides the order of changes; the room relays them in that order, to each client once.
 * It ends when it has no clients and nothing is being saved.
 */
export class Room {
  readonly documentId: string
  readonly #calls: StoreCalls
  readonly #settings: RoomSettings
  readonly #log: FastifyBaseLogger
  readonly #onEnd: () => void
  readonly #turns: Turns
  readonly #members = new Members()
  readonly #gate: Gate
  readonly #loads: Loads
  readonly #stored: StoredUpdates
  readonly #link: Link | undefined
  #state: State = { name: 'opening' }
  /** The store may have more than the load that opens the room. */
  #hasMissed = false

  constructor (documentId: string, calls: StoreCalls, settings: RoomSettings, onEnd: () => void) {
    this.documentId = documentId
    this.#calls = calls
    this.#settings = settings
    this.#log = settings.log.child({ documentId })
    this.#onEnd = onEnd
    this.#loads = new Loads(calls)
    this.#gate = new Gate(documentId, settings.access)
    this.#stored = new StoredUpdates(calls)
    this.#turns = new Turns({
      saveUpdates: async (take) => await this.#open?.updates.save(take),
      saveSnapshot: async (write) => {
        this.#open?.failures.tellBeforeSnapshot(write.client, write.change.message.publicData.pubKey)
        await this.#open?.snapshots.save(write)
      },
      idle: () => this.#endIfEmpty()
    }, this.#log)
    this.#link = settings.nodes?.link(documentId, {
      received: () => this.#turns.take(() => this.#open?.catchUp.relayReceived()),
      missed: (version) => this.catchUp(version),
      ephemeralMessage: (text) => this.#open?.feed.relayEphemeral(text)
    })
  }

  get size (): number {
    return this.#members.size
  }

  /** Whether its clients may lack what others have saved, because the store could not be asked. */
  get isBehind (): boolean {
    return this.#open?.catchUp.isBehind ?? false
  }

  get hasEnded (): boolean {
    return this.#state.name === 'ended'
  }

  get #open (): Open | undefined {
    return this.#state.name === 'open' ? this.#state : undefined
  }

  /** Saves a change after all that were handed over before, answers its client and relays it. */
  save (write: Write): void {
    if (this.#open === undefined) write.settle({ status: 'dropped' })
    else if (isUpdate(write)) this.#turns.saveUpdate(write)
    else this.#turns.saveSnapshot(write as Parameters<Turns['saveSnapshot']>[0])
  }

  /** Answers an update that is not to be saved, after all that was handed over before. */
  refuse (refused: RefusedUpdate): void {
    this.#turns.take(() => {
      if (this.#open === undefined) return refused.settle({ status: 'dropped' })
      return this.#open.updates.refuse(refused)
    })
  }

  /** Answers a snapshot for which there is no room. */
  refuseFullSnapshot (client: Client): void {
    this.#turns.take(() => this.#open?.snapshots.refuseFull(client))
  }

  /** What is stored, if the store counts. */
  get bytes (): StoredBytes | undefined {
    return this.#open?.feed.size.bytes
  }

  /** Resolves between two writes, when all that was handed over before is done. */
  turn (): Promise<void> {
    return new Promise((resolve) => this.#turns.take(resolve))
  }

  /** Relays to the readers on this node, and on others. */
  relayEphemeral (text: string, sender: Client): void {
    this.#link?.publishEphemeralMessage(text)
    this.#open?.feed.relayEphemeral(text, sender)
  }

  /** Looks into the store soon. `version`, if known, is what the store has. */
  catchUp (version?: number): void {
    if (this.#state.name === 'opening') this.#hasMissed = true
    this.#open?.catchUp.plan(version)
  }

  // Joining

  /** Sends the document to a client, then all that is saved later. */
  async join (client: Client): Promise<Joined> {
    this.#members.add(client)
    let joined: Joined = 'left'
    try {
      joined = await this.#join(client)
      return joined
    } finally {
      if (joined !== 'joined') this.leave(client)
    }
  }

  async #join (client: Client): Promise<Joined> {
    const { known } = client
    // The known snapshot is loaded again only for a client that wants it: see repeat.ts.
    let wanted: Known = known.knownSnapshotId === undefined ? known : { ...known, mode: 'delta' }
    for (;;) {
      const load = this.#loads.join(wanted, client.request, this.#state.name === 'opening')
      try {
        const document = await load.document
        if (document === undefined) return 'notFound'
        // A client's claimed clocks must not advance the cursor.
        if (document.claimed && this.#state.name === 'opening' && !await this.#openFor(client)) return 'notFound'
        if (!this.#members.has(client)) return 'left'
        if (this.#state.name === 'opening') {
          this.#begin(document)
          load.isCold = false
        }
        // Another load opened the room meanwhile. What this one has seen may not be in the room, nor be relayed since the room began.
        if (load.isCold) continue
        const { feed } = this.#opened()
        const lost = isLost(document, known)
        if (lost !== undefined) return lost
        if (known.mode === 'complete' && wanted.mode === 'delta' && document.snapshot === undefined) {
          wanted = { mode: 'complete' }
          continue
        }
        const isRepeat = known.knownSnapshotId !== undefined && wanted.mode === 'complete'
        const { document: sent, frames } = isRepeat ? repeatComplete(document) : { document, frames: [] }
        if (!feed.join(client, sent, frames, load.relayed)) this.#turns.take(() => this.#align())
        return 'joined'
      } finally {
        this.#loads.leave(load)
      }
    }
  }

  #opened (): Open {
    if (this.#open === undefined) throw new Error('The room is not open')
    return this.#open
  }

  async #openFor (client: Client): Promise<boolean> {
    const document = await this.#calls.load({ mode: 'complete' }, client.request)
    if (document !== undefined && this.#state.name === 'opening') this.#begin(document)
    return document !== undefined
  }

  #begin ({ cursor, bytes }: LoadedDocument): void {
    const [calls, link, stored] = [this.#calls, this.#link, this.#stored]
    const { maxAuthors, maxBytes, compaction: limits } = this.#settings
    const takeTurn = this.#turns.take.bind(this.#turns)
    const { telemetry } = this.#settings
    const feed: Feed = new Feed(cursor, bytes, {
      documentId: this.documentId,
      telemetry,
      members: this.#members,
      gate: this.#gate,
      loads: this.#loads,
      stored,
      beforeSnapshot: (snapshotId) => updates.refuseReplaced(this.#turns.takeUpdatesOnOthers(snapshotId))
    })
    const catchUp = new CatchUp({ calls, feed, link, takeTurn, telemetry, log: this.#log })
    const failures = new UpdateFailures({ feed, takeTurn })
    const updates = new Updates({ calls, feed, catchUp, stored, failures, link, maxAuthors, maxBytes, compaction: new Compaction(feed, limits) })
    this.#state = { name: 'open', feed, catchUp, updates, failures, snapshots: new Snapshots({ calls, feed, catchUp, link, takeTurn, maxBytes }) }
    if (this.#hasMissed) catchUp.plan()
    // The document may have been read before the link was there.
    if (link?.isConnected) link.look()
  }

  /** A client's document is ahead of the room, by what other processes have saved: the room must come up to it. */
  async #align (): Promise<void> {
    const { ahead } = this.#members
    const { feed, catchUp } = this.#opened()
    if (ahead.length === 0 || !await catchUp.run()) return
    if (this.#members.ahead.length > 0 && !await catchUp.run([], 'complete')) return
    const still = new Set(this.#members.ahead)
    for (const client of ahead) {
      if (!still.has(client)) continue
      const { knownSnapshotId, knownSnapshotUpdateClocks: clocks = {} } = client.known
      // It has said that it knows what is not stored: it would come back and say it again.
      if (feed.cursor.snapshotId === '') {
        client.close(closeCodes.documentNotFound, 'document not found', documentNotFound)
      } else if (knownSnapshotId === feed.cursor.snapshotId && !isAtLeast(feed.cursor, { snapshotId: knownSnapshotId, clocks })) {
        client.close(closeCodes.documentError, 'document error', documentError)
      } else {
        feed.drop(client)
      }
    }
  }

  leave (client: Client): void {
    this.#gate.leave(client)
    if (this.#members.delete(client)) this.#endIfEmpty()
  }

  #endIfEmpty (): void {
    if (this.#members.size > 0 || this.#turns.isBusy || this.hasEnded) return
    this.#open?.catchUp.end()
    this.#link?.end()
    this.#gate.end()
    this.#state = { name: 'ended' }
    this.#onEnd()
  }
}

/** Whether a client knows what the store does not have: the document was deleted, or the database was set back. */
function isLost ({ cursor, claimed }: LoadedDocument, { knownSnapshotId, knownSnapshotUpdateClocks: clocks = {} }: Known): 'notFound' | 'rolledBack' | undefined {
  // A store of the user's may say no more than what is missing. Then the room finds out: see `#align`.
  if (knownSnapshotId === undefined || claimed) return undefined
  if (cursor.snapshotId === '') return 'notFound'
  if (cursor.snapshotId !== knownSnapshotId || isAtLeast(cursor, { snapshotId: knownSnapshotId, clocks })) return undefined
  return 'rolledBack'
}
