import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Notification } from 'pg'
import { BusDeaf } from '../errors.ts'
import type { Session } from './reconnecting.ts'
import { withinTime } from './within-time.ts'

/** Makes a client of the npm package pg that is not connected yet. */
export type CreateClient = () => Client

/** Milliseconds between two checks of an idle connection. */
const checkInterval = 5000
/** Time limit for a statement in milliseconds. */
const statementTimeout = 5000
/** Time limit in milliseconds for the notification that shows whether notifications arrive at all. */
const hearingTimeout = 2000
/** Milliseconds that a connection has to end in. */
const endTimeout = 1000
/** Maximum number of payloads in one statement. */
const maxPayloads = 500

/** One statement for many notifications. PostgreSQL plans it once per connection. */
const notify = {
  name: 'fastify_secsync_notify',
  text: 'SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS message(channel, payload)'
}

export interface SessionOwner {
  /** The channels to listen to, whenever they are asked for. */
  channels (): Iterable<string>
  /** Notifications of these channels arrive from now on. */
  listens (channels: ReadonlySet<string>): void
  notification (notification: Notification): void
  /** The session is over. Called once. */
  ended (err: Error): void
}

interface Outgoing {
  channel: string
  payloads: string[]
  resolve: () => void
  reject: (err: unknown) => void
}

/** One connection to PostgreSQL. It runs one statement at a time: all LISTEN and UNLISTEN that are due, or all notifications that are waiting. */
export class PostgresSession implements Session {
  readonly #createClient: CreateClient
  readonly #client: Client
  readonly #owner: SessionOwner
  #checkTimer: NodeJS.Timeout | undefined
  #listening: ReadonlySet<string> = new Set()
  #isOutdated = true
  #isCheckDue = false
  #waiting: Outgoing[] = []
  #isRunning = false
  #ended = false

  constructor (createClient: CreateClient, owner: SessionOwner) {
    this.#createClient = createClient
    this.#client = createClient()
    this.#owner = owner
  }

  /** Rejects if PostgreSQL cannot be reached or if notifications would not arrive. */
  async open (): Promise<void> {
    const client = this.#client
    // An error that nobody listens to would end the process.
    client.on('error', (err) => this.#end(err))
    client.on('end', () => this.#end(new Error('the connection was closed')))
    await client.connect()
    await answered(checkHearing(client, this.#createClient))
    if (this.#ended) return
    client.on('notification', (notification) => {
      if (!this.#ended) this.#owner.notification(notification)
    })
    this.#checkTimer = setInterval(() => {
      this.#isCheckDue = true
      this.#run()
    }, checkInterval).unref()
    this.#run()
  }

  /** The process id of its server process: the sender of its notifications. */
  get processId (): number {
    return processIdOf(this.#client)
  }

  /** The owner's channels have changed. */
  listen (): void {
    this.#isOutdated = true
    this.#run()
  }

  /** Resolves when the notifications are committed. */
  async notify (channel: string, payloads: string[]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ channel, payloads, resolve, reject })
      this.#run()
    })
  }

  #run (): void {
    if (!this.#isRunning) this.#runAll().catch((err: Error) => this.#end(err))
  }

  async #runAll (): Promise<void> {
    this.#isRunning = true
    while (!this.#ended) {
      if (this.#isOutdated) await this.#listenToAll()
      else if (this.#waiting.length > 0) await this.#notifyAll()
      else if (this.#isCheckDue) await answered(this.#client.query('SELECT 1'))
      else break
      this.#isCheckDue = false
    }
    // In the same turn as the last look for work.
    this.#isRunning = false
  }

  async #listenToAll (): Promise<void> {
    this.#isOutdated = false
    const channels = new Set(this.#owner.channels())
    const statements = [
      ...[...channels].filter((channel) => !this.#listening.has(channel)).map((channel) => `LISTEN ${channel}`),
      ...[...this.#listening].filter((channel) => !channels.has(channel)).map((channel) => `UNLISTEN ${channel}`)
    ]
    if (statements.length > 0) await answered(this.#client.query(statements.join(';')))
    this.#listening = channels
    if (!this.#ended) this.#owner.listens(channels)
  }

  async #notifyAll (): Promise<void> {
    const batch: Outgoing[] = []
    let count = 0
    for (const outgoing of this.#waiting) {
      if (count > 0 && count + outgoing.payloads.length > maxPayloads) break
      count += outgoing.payloads.length
      batch.push(outgoing)
    }
    this.#waiting.splice(0, batch.length)
    try {
      const channels = batch.flatMap(({ channel, payloads }) => payloads.map(() => channel))
      await answered(this.#client.query({ ...notify, values: [channels, batch.flatMap(({ payloads }) => payloads)] }))
      for (const { resolve } of batch) resolve()
    } catch (err) {
      for (const { reject } of batch) reject(err)
      if (!isRefusal(err)) throw err
    }
  }

  #end (err: Error): void {
    if (this.#ended) return
    void this.close()
    this.#owner.ended(err)
  }

  /** Resolves when the connection has ended. The owner hears nothing more. */
  async close (): Promise<void> {
    this.#ended = true
    clearInterval(this.#checkTimer)
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the connection has ended'))
    await end(this.#client)
  }
}

/**
 * Rejects on a standby, which cannot listen, and behind a pooler in transaction mode, which accepts LISTEN and delivers nothing. A pooler gives
 * its clients process ids of its own. Then only a notification from another connection shows whether notifications arrive.
 */
async function checkHearing (client: Client, createClient: CreateClient): Promise<void> {
  const { rows: [row] } = await client.query<{ pid: number, standby: boolean }>('SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS standby')
  if (row?.standby) throw new Error('the server is a standby')
  if (row?.pid === processIdOf(client)) return
  const channel = `fastify_secsync_${randomUUID().replaceAll('-', '')}`
  await client.query(`LISTEN ${channel}`)
  const abort = new AbortController()
  const heard = once(client, 'notification', abort).then(() => true)
  const other = createClient()
  other.on('error', () => {})
  try {
    await other.connect()
    await other.query('SELECT pg_notify($1, $2)', [channel, ''])
    if (!await Promise.race([heard, sleep(hearingTimeout, false, { signal: abort.signal })])) throw new BusDeaf()
  } finally {
    abort.abort()
    heard.catch(() => {})
    void end(other)
    await client.query(`UNLISTEN ${channel}`)
  }
}

/** PostgreSQL has refused a statement. The connection is in order. */
export function isRefusal (err: unknown): boolean {
  return err instanceof Error && 'severity' in err && err.severity === 'ERROR'
}

async function end (client: Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), endTimeout)
  await client.end().catch(() => {})
  clearTimeout(timer)
}

/** The types of pg do not have it. */
function processIdOf (client: Client): number {
  return (client as Client & { processID: number }).processID
}

/** Rejects if the statement takes too long. */
async function answered<T> (statement: Promise<T>): Promise<T> {
  return await withinTime(statementTimeout, 'PostgreSQL is too slow', statement)
}
