import type { SecsyncDocument } from './client.ts'
import { clocksOf } from './core/history.ts'
import { Outbox } from './core/outbox.ts'
import { SnapshotPolicy } from './core/snapshot-policy.ts'
import { toBase64 } from './crypto/base64.ts'
import { createKeyPair } from './crypto/keys.ts'
import type { Environment } from './environment.ts'
import { ClientError } from './errors.ts'
import { VerifiedHistory } from './history.ts'
import { HistorySource } from './history-source.ts'
import { Inbox, type Received } from './inbox.ts'
import { Journal } from './journal.ts'
import { KeyMissing, Keys } from './keys.ts'
import { Line, type Known } from './line.ts'
import type { DocumentOptions } from './options.ts'
import { PresenceChannel } from './presence-channel.ts'
import { Reader } from './reader.ts'
import { Replica } from './replica.ts'
import { Rest } from './at-rest.ts'
import { Sender } from './sender.ts'
import type { DocumentState } from './state.ts'
import { memoryStorage } from './storage/memory.ts'
import type { StoredState } from './storage/storage.ts'
import { Waiting } from './waiting.ts'
import type { FromServer, Parts } from './wire.ts'

/** What is not saved when a document is closed, for when it is opened again in the same page. */
const ofThisPage = memoryStorage({ keepsState: false })

/** Failures of sending in a row after which the document is loaded anew, and after which all of it is loaded. */
const failuresBeforeLoad = 4
const failuresBeforeCompleteLoad = 8

/** Milliseconds between two looks for sessions that have ended. */
const adoptionInterval = 60_000

/** A request line of more than 16 kB is refused by Node.js and by proxies. */
const maxClocksLength = 6000

/** Opens a document, with the parts of the client joined: what comes from one and must go to another goes through here. */
export class OpenDocument implements SecsyncDocument {
  readonly documentId: string
  readonly publicKey: string
  readonly presence: PresenceChannel
  readonly history: VerifiedHistory
  readonly #options: DocumentOptions
  readonly #environment: Environment
  readonly #outbox: Outbox
  readonly #journal: Journal
  readonly #replica: Replica
  readonly #rest: Rest
  readonly #sender: Sender
  readonly #line: Line
  readonly #inbox: Inbox
  readonly #waiting = new Waiting()
  readonly #listeners = new Set<() => void>()
  readonly #ends: Array<() => void> = []
  #state: DocumentState | undefined
  #isTelling = false
  #device: Promise<void> | undefined
  #stored: StoredState | undefined
  #restored = Promise.resolve()
  #loadsComplete = false
  #isFull = false
  #isComplete = true
  /** Until it is loaded, the server's history is taken as it is. */
  #trusts = false
  #destroyed: Promise<void> | undefined

  constructor (options: DocumentOptions, environment: Environment) {
    const { crdt, documentId, storage, url, updatesPerSnapshot = 200, bytesPerSnapshot = 256 * 1024, signatureKeyPair } = options
    const keyPair = signatureKeyPair ?? createKeyPair()
    this.#options = options
    this.#environment = environment
    this.documentId = documentId
    this.publicKey = toBase64(keyPair.publicKey)
    const changed = () => this.#changed()
    const onFault = (error: unknown) => this.#line.fail(error)
    const keys = new Keys(options.getKey)
    const outbox = this.#outbox = new Outbox(this.publicKey, signatureKeyPair === undefined)
    const policy = new SnapshotPolicy({ updatesPerSnapshot, bytesPerSnapshot }, environment.random)
    const journal = this.#journal = new Journal({
      environment,
      ...storage === undefined ? { storage: ofThisPage, documentId: `${url} ${documentId}` } : { storage, documentId },
      onLeft: () => { if (this.#destroyed === undefined) void this.#restore().catch(onFault) },
      onChange: changed
    })
    const reader = new Reader(options, keys, environment)
    const rest = this.#rest = new Rest({ documentId, environment, journal, keys, outbox, reader })
    const replica = this.#replica = new Replica({
      crdt,
      journal,
      outbox,
      policy,
      publicKey: this.publicKey,
      reader,
      onRefused: changed,
      onSnapshot: (snapshotId) => {
        this.#sender.snapshotTaken(snapshotId)
        this.presence.snapshotTaken()
      },
      onReplaced: () => {
        this.#waiting.renumber(outbox.lastNumber)
        this.#sender.flush()
      }
    })
    this.#line = new Line({
      environment,
      options,
      prepare: () => this.#prepare(),
      receive: (message) => this.#receive(message),
      onDown: () => {
        this.#inbox.clear()
        this.presence.disconnected()
      },
      onChange: changed
    })
    this.#inbox = new Inbox((received) => this.#handle(received), onFault)
    this.#sender = new Sender({
      environment,
      journal,
      keyPair,
      keys,
      options,
      outbox,
      policy,
      replica,
      rest,
      send: (text) => this.#line.send(text, true),
      isLive: () => this.#line.isLive,
      onFault,
      onChange: changed
    })
    this.presence = new PresenceChannel({
      documentId,
      environment,
      keyPair,
      keys,
      reader,
      history: () => replica.history,
      send: (text) => { this.#line.send(text, false) }
    })

    this.history = new VerifiedHistory({
      source: new HistorySource(options, environment),
      crdt,
      reader: new Reader(options, new Keys(options.getKey), environment),
      whenLoaded: () => this.whenLoaded(),
      active: () => replica.history?.active,
      isChanged: () => outbox.pending > 0 || (replica.history?.marks.size ?? 0) > 0,
      createSnapshot: () => this.createSnapshot()
    })

    replica.holdsContent(crdt.changesSince({ changes: [] }))
    if (outbox.gathered > 0) this.#sender.changed()
    this.#ends.push(crdt.subscribe((change) => {
      outbox.gather(change)
      this.#sender.changed()
      changed()
    }))
    this.#ends.push(environment.onHide(() => this.#sender.rescue()))
    if (crdt.connectPresence !== undefined) this.#ends.push(crdt.connectPresence(this.presence))
    this.#adoptLater()
    this.#line.start()
  }

  // State

  readonly getState = (): DocumentState => {
    const storage = this.#options.storage?.isPersistent === true ? this.#journal.hasFailed ? 'failed' : 'device' : 'memory'
    const { pending } = this.#outbox
    if (this.#state?.pending !== pending) this.#state = undefined
    this.#state ??= {
      connection: this.#line.state,
      loaded: this.#replica.loaded,
      snapshot: this.#replica.history?.active,
      pending,
      hasUnsavedChanges: pending > 0,
      storage,
      locked: this.#rest.locked,
      refused: this.#replica.refused,
      isFull: this.#isFull
    }
    return this.#state
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** Tells once per turn, however much has changed in it. */
  #changed (): void {
    this.#state = undefined
    const { connection } = this.getState()
    // What is wrong may not be seen in what is new, or be why the server has no answer to what this client knows.
    if (connection.status === 'trouble' && (connection.error.mustTrust || connection.error.code === 'SECSYNC_SERVER_ERROR')) this.#loadsComplete = true
    if (this.#isTelling) return
    this.#isTelling = true
    queueMicrotask(() => {
      this.#isTelling = false
      this.#waiting.check(this.#replica.loaded !== 'no', (number) => this.#outbox.isSettled(number))
      for (const listener of this.#listeners) listener()
    })
  }

  // For the application

  async whenLoaded (): Promise<void> {
    if (this.#replica.loaded === 'no') await this.#waiting.untilLoaded()
  }

  async whenSaved (): Promise<void> {
    const { lastNumber } = this.#outbox
    if (!this.#outbox.isSettled(lastNumber)) await this.#waiting.untilSaved(lastNumber)
  }

  async createSnapshot (): Promise<void> {
    await this.#waiting.unlessEnded(this.#sender.demandSnapshot())
  }

  retry (): void {
    if (this.#line.isLive) this.#sender.retry()
    else this.#line.retry()
  }

  trustServer (): void {
    this.#replica.forgetHistory()
    this.#stored = undefined
    this.#trusts = true
    this.#line.start()
  }

  async destroy (): Promise<void> {
    this.#destroyed ??= this.#destroy()
    await this.#destroyed
  }

  async #destroy (): Promise<void> {
    for (const end of this.#ends) end()
    this.#line.destroy()
    await this.#inbox.idle()
    await this.#sender.stop()
    await this.#journal.close()
    this.#waiting.end()
  }

  // The line

  /** What the server need not send. */
  async #prepare (): Promise<Known> {
    await this.#inbox.idle()
    this.#device ??= this.#openDevice()
    await this.#device
    await this.#restore()
    const { history } = this.#replica
    const clocks = JSON.stringify(history === undefined ? {} : clocksOf(history))
    this.#isComplete = history === undefined || this.#loadsComplete || clocks.length > maxClocksLength
    if (history === undefined) return { mode: 'complete' }
    return {
      mode: 'delta',
      knownSnapshotId: history.active.snapshotId,
      // Without them it sends all updates of the snapshot, and still what proves that another one descends from it.
      ...!this.#isComplete && { knownSnapshotUpdateClocks: clocks }
    }
  }

  async #openDevice (): Promise<void> {
    this.#stored = await this.#journal.open()
  }

  /** What this device has kept: of sessions that have ended, and of the document. */
  #restore (): Promise<void> {
    this.#restored = this.#restored.catch(() => {}).then(() => this.#restoreNow())
    return this.#restored
  }

  async #restoreNow (): Promise<void> {
    const adopted = await this.#rest.adopt()
    if (this.#destroyed !== undefined) return
    const stored = this.#stored
    if (stored !== undefined && this.#replica.history === undefined) {
      try {
        await this.#replica.restore(stored)
        this.#stored = undefined
      } catch (error) {
        // Without its key there may still be one for what the server has. What is broken is loaded anew.
        if (!(error instanceof KeyMissing)) this.#stored = undefined
      }
    }
    if (adopted.length > 0) this.#options.crdt.apply({ changes: adopted })
    this.#sender.wake()
    this.#changed()
  }

  #adoptLater (): void {
    let end: (() => void) | undefined
    const next = () => {
      end = this.#environment.setTimer(() => {
        next()
        if (this.#line.isLive) void this.#inbox.idle().then(() => this.#restore())
      }, adoptionInterval)
    }
    next()
    this.#ends.push(() => end?.())
  }

  #receive (message: FromServer): void {
    if (message.type === 'ephemeral-message') this.presence.receive(message.message)
    else if (message.type === 'custom') this.#options.onCustomMessage?.(message.message)
    else this.#inbox.add(message)
  }

  async #handle (received: Received): Promise<void> {
    const replica = this.#replica
    switch (received.type) {
      case 'document':
        replica.lineChanged()
        await replica.load(received.parts, this.#isComplete)
        this.#loadsComplete = false
        // Not updates: those with the next clocks may have been sent before, and lost.
        if (this.#trusts && this.#outbox.pending > 0) this.#sender.needSnapshot()
        this.#trusts = false
        this.#line.live()
        this.#sender.lineChanged()
        if (this.#line.isLive) this.presence.connected()
        break
      case 'snapshot':
        await replica.takeSnapshot(received.snapshot)
        break
      case 'updates':
        await replica.takeUpdates(received.updates)
        this.#sender.updateTaken()
        break
      case 'snapshot-saved':
        replica.snapshotSaved(received.snapshotId)
        this.#isFull = false
        break
      case 'snapshot-save-failed':
        await replica.missing(received.parts)
        if (received.isFull) this.#refusedAsFull()
        else this.#snapshotRefused(received.parts)
        break
      case 'update-saved':
        replica.updateSaved(received.snapshotId, received.clock)
        this.#sender.accepted()
        this.#isFull = false
        break
      case 'update-save-failed':
        this.#outbox.refused()
        if (received.requiresNewSnapshot) this.#sender.needSnapshot()
        else if (received.isFull) this.#refusedAsFull()
        else this.#refused()
        break
    }
    if (received.type.includes('save')) this.#line.answered(replica.snapshotInFlight !== undefined || this.#outbox.sealed.some(({ state }) => state === 'sent'))
    this.#changed()
  }

  #snapshotRefused ({ snapshot, updates }: Parts): void {
    if (snapshot === undefined && updates === undefined) return this.#refused()
    if (snapshot === undefined && updates?.length === 0) {
      // It was made with updates that the server has not: perhaps it no longer has them.
      this.#loadsComplete = true
      return this.#line.restart()
    }
    this.#sender.wake()
  }

  /** To come back would change nothing, and to try again soon neither. */
  #refusedAsFull (): void {
    this.#isFull = true
    this.#sender.refusedAsFull()
  }

  /** Refused for a while is nothing special. Then this client and the server may not have the same document any more. */
  #refused (): void {
    const failures = this.#sender.refused()
    if (failures % failuresBeforeLoad !== 0) return
    if (failures % failuresBeforeCompleteLoad === 0) this.#loadsComplete = true
    if (failures === 2 * failuresBeforeCompleteLoad) this.#line.fail(new ClientError('SECSYNC_REFUSED', 'The server refuses what this client sends'))
    else this.#line.restart()
  }
}
