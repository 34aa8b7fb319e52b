/** The part of an ioredis client that is used: a `Redis`, also one with `sentinels`, or a `Cluster`. The bus only takes its options. */
export type RedisClient = RedisServerClient | RedisClusterClient

interface Configured {
  readonly options?: { keyPrefix?: string | Buffer | undefined, sentinels?: unknown }
}

interface RedisServerClient extends Configured {
  duplicate (options: object): RedisConnection
}

interface RedisClusterClient extends Configured {
  /** The servers that it knows now. */
  nodes (role: 'all'): RedisClusterServer[]
  duplicate (startupNodes: object[], options: object): RedisConnecting & Pick<RedisClusterClient, 'nodes'>
}

interface RedisClusterServer {
  readonly options: object
  duplicate (options: object): RedisConnection
}

/** A client that the bus has made. */
export interface RedisConnecting {
  on (event: 'ready' | 'end', listener: () => void): unknown
  on (event: 'error', listener: (err: Error) => void): unknown
  disconnect (): void
}

export interface RedisConnection extends RedisConnecting {
  on (event: 'ready' | 'end', listener: () => void): unknown
  on (event: 'error', listener: (err: Error) => void): unknown
  on (event: 'message', listener: (channel: string, message: string) => void): unknown
  publish (channel: string, message: string): Promise<unknown>
  subscribe (...channels: string[]): Promise<unknown>
  unsubscribe (...channels: string[]): Promise<unknown>
}

/** Makes a client and resolves when it is ready, or rejects after `timeout` milliseconds. */
export type Connect = <C extends RedisConnecting>(timeout: number, create: () => C) => Promise<C>

/** Opens a new connection to one server. */
export type OpenConnection = () => Promise<RedisConnection>

/** Time limits in milliseconds: for a connection, and for a client that asks other servers first. */
const connectTimeout = 3000
const discoveryTimeout = 8000

/** A client never connects again: the bus makes a new one. So the bus does not depend on how a client recovers, and on the options for that. */
const once = { lazyConnect: false, retryStrategy: null, sentinelRetryStrategy: null, clusterRetryStrategy: null, clusterNodeRetryStrategy: null }

const connection = {
  ...once,
  keyPrefix: '',
  connectTimeout,
  // For a server that hangs.
  disconnectTimeout: 500,
  sentinelCommandTimeout: 1000,
  // A subscription may be idle.
  commandTimeout: undefined,
  socketTimeout: undefined,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  readOnly: false
}

// A server that knows the others is enough, also while slots have no server.
const discovery = { ...once, enableReadyCheck: false, shardedSubscribers: false, slotsRefreshInterval: 0 }

/** Finds the servers of the user's client. */
export class RedisServers {
  readonly #redis: RedisClient
  /** The servers of a cluster that were found last. */
  #known: RedisClusterServer[] = []
  #attempts = 0

  constructor (redis: RedisClient) {
    this.#redis = redis
  }

  /**
   * Resolves with one server, or those of a cluster in random order. A cluster is asked with a new client, because the user's may keep servers that are
   * gone: from the servers that are configured and from those that are known, in turn.
   */
  async find (connect: Connect): Promise<OpenConnection[]> {
    const redis = this.#redis
    if (!isCluster(redis)) {
      const timeout = redis.options?.sentinels ? discoveryTimeout : connectTimeout
      return [() => connect(timeout, () => redis.duplicate(connection))]
    }
    const isConfigured = this.#attempts++ % 2 === 0
    const known = [...redis.nodes('all'), ...this.#known].map(addressOf)
    const cluster = await connect(discoveryTimeout, () => redis.duplicate(isConfigured ? [] : known, discovery))
    this.#known = cluster.nodes('all')
    return shuffled(this.#known).map((server) => () => connect(connectTimeout, () => server.duplicate(connection)))
  }
}

function isCluster (redis: RedisClient): redis is RedisClusterClient {
  return 'nodes' in redis
}

/** What a startup node has. The rest is in the `redisOptions` of the cluster. */
function addressOf ({ options }: RedisClusterServer): object {
  const names = new Set(['host', 'port', 'username', 'password', 'tls'])
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => names.has(name) && value !== null))
}

function shuffled<T> (list: T[]): T[] {
  return list.map((item) => ({ item, rank: Math.random() })).sort((a, b) => a.rank - b.rank).map(({ item }) => item)
}
