import { setImmediate } from 'node:timers/promises'
import type { Nodes } from './nodes/nodes.ts'
import type { Rooms } from './document/rooms.ts'
import { withinTimeLimit } from './stores/time-limit.ts'

/** What `fastify.secsync.health()` resolves with. It contains no secrets. */
export interface Health {
  /**
   * `ok`. `degraded`: documents are served, but the bus is disconnected or documents are behind. `unavailable`: the database does not answer, and
   * clients that connect are closed with 1011. `draining`: the server is shutting down.
   */
  status: 'ok' | 'degraded' | 'unavailable' | 'draining'
  /** Whether a load balancer should send clients here: `ok` and `degraded`. */
  ready: boolean
  /** `unknown`: the three store callbacks are your own. */
  database: 'ok' | 'unavailable' | 'unknown'
  /** `none`: neither `redis` nor `bus` was passed. */
  bus: 'connected' | 'disconnected' | 'none'
  lag: {
    /** Milliseconds that the database took to answer. `undefined` if it did not, or is unknown. */
    database: number | undefined
    /** Milliseconds that the event loop took for one turn. */
    eventLoop: number
    /** Number of open documents whose clients may lack changes of other nodes, because the last look into the store failed. */
    documents: number
  }
}

export interface HealthOptions {
  /** Time limit for the answer of the database in milliseconds. Default: 1,000. */
  timeout?: number | undefined
}

export interface HealthSettings {
  check: (() => Promise<void>) | undefined
  nodes: Nodes | undefined
  rooms: Rooms
}

/** Tells whether this node can serve documents. */
export class HealthCheck {
  readonly #settings: HealthSettings
  /** The pending check of the database. Calls share it, so that a database that hangs costs one connection of the pool. */
  #checking: Promise<void> | undefined
  isDraining = false

  constructor (settings: HealthSettings) {
    this.#settings = settings
  }

  async run ({ timeout = 1000 }: HealthOptions = {}): Promise<Health> {
    const { nodes, rooms, check } = this.#settings
    const startedAt = performance.now()
    await setImmediate()
    const eventLoop = performance.now() - startedAt
    const latency = check === undefined ? undefined : await this.#latencyOf(check, timeout)
    const database = check === undefined ? 'unknown' : latency === undefined ? 'unavailable' : 'ok'
    const bus = nodes === undefined ? 'none' : nodes.isConnected ? 'connected' : 'disconnected'
    const documents = rooms.behind
    const status = this.isDraining
      ? 'draining'
      : database === 'unavailable' ? 'unavailable' : bus === 'disconnected' || documents > 0 ? 'degraded' : 'ok'
    return { status, ready: status === 'ok' || status === 'degraded', database, bus, lag: { database: latency, eventLoop, documents } }
  }

  /** In milliseconds. `undefined` if the database fails or does not answer in time. */
  async #latencyOf (check: () => Promise<void>, timeout: number): Promise<number | undefined> {
    const startedAt = performance.now()
    this.#checking ??= check().finally(() => { this.#checking = undefined })
    const checking = this.#checking
    try {
      await withinTimeLimit('The database', timeout, () => checking)
      return performance.now() - startedAt
    } catch {
      return undefined
    }
  }
}
