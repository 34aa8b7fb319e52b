import { documentPath, Refused, request, Unreachable, type Membership } from '../api.ts'
import { MissingKey } from '../crypto/keyring.ts'
import { withSession, type Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import type { OpenDocument } from './open-document.ts'
import type { PresenceState } from './presence.ts'
import type { Status } from './status.ts'

/** One try to be connected: the hook that speaks secsync is mounted anew for each. */
export interface Attempt {
  number: number
  session: Session
}

/** How long the client may try to come back by itself, and how long a try may take. */
const patience = { reconnect: 2500, attempt: 10_000 }
const longestPause = 5000

/**
 * Keeps a document connected. The client reconnects by itself after a short interruption, and is left to it. But it waits up to 3.5
 * minutes between two tries, and cannot tell a session that has ended from a network that is gone. So after a moment this asks over HTTP
 * who we are and whether we may, which answers both, and starts a new attempt.
 */
export class Connection {
  readonly status = new Signal<Status>({ phase: 'connecting' })
  readonly attempt = new Signal<Attempt | undefined>(undefined)
  /** Whether the document was loaded from the server since the page is open. */
  readonly loaded = new Signal(false)
  readonly #open: OpenDocument
  #timer: ReturnType<typeof setTimeout> | undefined
  #run = 0
  #failures = 0
  #refusals = 0
  #membersChangedAt = 0

  constructor (open: OpenDocument) {
    this.#open = open
  }

  start (): void {
    window.addEventListener('online', this.retry)
    window.addEventListener('offline', this.#networkGone)
    document.addEventListener('visibilitychange', this.#visible)
    this.#open.presence.on('change', this.#othersSaid)
    this.retry()
  }

  stop (): void {
    window.removeEventListener('online', this.retry)
    window.removeEventListener('offline', this.#networkGone)
    document.removeEventListener('visibilitychange', this.#visible)
    this.#open.presence.off('change', this.#othersSaid)
    clearTimeout(this.#timer)
    this.#run++
  }

  readonly retry = (): void => {
    this.#failures = 0
    this.#refusals = 0
    void this.#connect()
  }

  readonly #visible = (): void => {
    if (document.visibilityState === 'visible' && this.status.get().phase !== 'live') this.retry()
  }

  /** The owner's page tells the others when a role changed: the server does not. */
  readonly #othersSaid = (): void => {
    const times = [...this.#open.presence.getStates().values()].map((state) => (state as PresenceState).membersChangedAt ?? 0)
    const latest = Math.max(...times)
    if (latest <= this.#membersChangedAt) return
    this.#membersChangedAt = latest
    void this.refreshMembers().catch(() => {})
  }

  async refreshMembers (): Promise<void> {
    const session = this.attempt.get()?.session
    if (session !== undefined) await this.#open.setMembership(await request<Membership>('GET', documentPath(this.#open.id), session.sessionKey))
  }

  // A socket notices a lost network after minutes, the browser at once.
  readonly #networkGone = (): void => {
    void this.#open.save()
    this.#end({ phase: 'offline' })
    this.#later(this.#pause())
  }

  async #connect (): Promise<void> {
    const run = ++this.#run
    clearTimeout(this.#timer)
    if (this.#failures === 0 && this.#refusals === 0) this.#say({ phase: 'connecting' })
    let failure: unknown
    let session: Session | undefined
    try {
      session = await withSession((session) => this.#admission(session))
    } catch (error) {
      failure = error
    }
    // Overtaken by another try, or by the client itself.
    if (run !== this.#run || this.status.get().phase === 'live') return
    if (session !== undefined) {
      this.attempt.set({ number: run, session })
      this.#later(patience.attempt)
      return
    }
    this.#failures++
    if (failure instanceof MissingKey) return this.#end({ phase: 'no-key' })
    if (failure instanceof Refused && failure.status < 500 && failure.status !== 429) {
      return this.#end({ phase: 'no-access', removed: this.#open.record.role !== undefined })
    }
    this.#say({ phase: failure instanceof Unreachable ? 'offline' : 'trouble' })
    this.#later(this.#pause())
  }

  /** A session, a membership and the newest key: what a connection needs. */
  async #admission (session: Session): Promise<Session> {
    const { record } = this.#open
    const path = documentPath(this.#open.id)
    if (!record.registered) await request('PUT', path, session.sessionKey)
    try {
      await this.#open.setMembership(await request<Membership>('GET', path, session.sessionKey))
    } catch (error) {
      // Of a document that is open to everyone with its link, one becomes a member by connecting.
      if (error instanceof Refused && error.status === 404 && record.role === undefined) return session
      throw error
    }
    await this.#open.keyExchange.refresh(session)
    return session
  }

  /** The socket is open. From here on the client notices by itself when it is not. */
  opened (): void {
    clearTimeout(this.#timer)
  }

  live (): void {
    clearTimeout(this.#timer)
    this.#failures = 0
    this.#refusals = 0
    this.loaded.set(true)
    this.#say({ phase: 'live' })
    if (this.#open.role.get() === undefined) void withSession((session) => this.#admission(session)).catch(() => {})
  }

  /** The connection is gone. With a snapshot on its way the client would forget the changes in it, so that is not left to it. */
  lost (snapshotOnItsWay: boolean): void {
    this.#say({ phase: navigator.onLine ? 'connecting' : 'offline' })
    if (snapshotOnItsWay) this.attempt.set(undefined)
    this.#later(snapshotOnItsWay ? 0 : patience.reconnect)
  }

  /** The server says no, and so does the page, at once. It is asked once more, since it may be only the role that changed. */
  refused (): void {
    this.#end({ phase: 'no-access', removed: this.#open.record.role !== undefined })
    if (++this.#refusals === 1) void this.#connect()
  }

  failed (): void {
    if (this.#open.keyMissing) return this.#end({ phase: 'no-key' })
    this.#failures++
    this.#end({ phase: 'trouble' })
    this.#later(this.#pause())
  }

  #end (status: Status): void {
    clearTimeout(this.#timer)
    this.#run++
    this.attempt.set(undefined)
    this.#say(status)
  }

  #say (status: Status): void {
    const { phase, removed } = this.status.get()
    if (phase !== status.phase || removed !== status.removed) this.status.set(status)
  }

  #later (milliseconds: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => { void this.#connect() }, milliseconds)
  }

  #pause (): number {
    // Not all at the same moment when a server comes back.
    return Math.min(longestPause, 500 * 2 ** this.#failures) * (0.75 + Math.random() / 2)
  }
}
