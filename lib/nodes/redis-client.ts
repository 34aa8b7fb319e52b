/** The part of an ioredis client that is used: a `Redis`, also one with `sentinels`, or a `Cluster`. */
export type RedisClient = RedisServerClient | RedisClusterClient

interface RedisPublisher {
  readonly options?: { keyPrefix?: string | Buffer | undefined, sentinels?: unknown }
  readonly status: string
  publish (channel: string, message: string): Promise<number>
  on (event: string, listener: () => void): unknown
  off (event: string, listener: () => void): unknown
}

interface RedisServerClient extends RedisPublisher {
  duplicate (options: object): RedisSubscriber
}

interface RedisClusterClient extends RedisPublisher {
  /** The clients of the nodes that the cluster has now. */
  nodes (role: 'all'): Array<Pick<RedisServerClient, 'duplicate'>>
}

export interface RedisSubscriber {
  readonly status: string
  connect (): Promise<unknown>
  subscribe (...channels: string[]): Promise<unknown>
  unsubscribe (...channels: string[]): Promise<unknown>
  ping (): Promise<unknown>
  on (event: string, listener: (...args: never[]) => void): unknown
  disconnect (reconnect?: boolean): void
}

// ioredis reconnects this connection. Subscriptions are restored by the bus, not by ioredis, so that subscribers learn when they are active.
const options = { keyPrefix: '', autoResubscribe: false, autoResendUnfulfilledCommands: false, lazyConnect: false, commandTimeout: undefined }

/**
 * Opens a connection for subscriptions. Every node of a cluster gets all messages, so one of them is enough: another one for each `attempt`.
 * `undefined` if the client knows no node now. It is not the `Cluster` that subscribes, because it does not report the loss of its subscriber connection.
 */
export function subscriberOf (redis: RedisClient, attempt: number): RedisSubscriber | undefined {
  if (!isCluster(redis)) return redis.duplicate(options)
  const nodes = redis.nodes('all')
  // When the node is lost, the bus takes another one.
  return nodes[attempt % nodes.length]?.duplicate({ ...options, retryStrategy: null, readOnly: false })
}

export function isCluster (redis: RedisClient): redis is RedisClusterClient {
  return 'nodes' in redis
}

/** Whether the connection that publishes and the one that subscribes may be at different servers. */
export function hasSeveralServers (redis: RedisClient): boolean {
  return isCluster(redis) || Boolean(redis.options?.sentinels)
}
