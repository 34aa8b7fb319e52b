import type { FastifyBaseLogger } from 'fastify'

/**
 * The message broker between nodes. Its messages are hints: they may be lost, repeated, delayed or reordered, because each node loads missing
 * changes from the store. `postgresBus()` and `redisBus()` are two implementations.
 */
export interface Bus {
  /**
   * Maximum length of a message in UTF-16 code units, below 1 MiB. Nodes publish longer changes without their content, and other nodes load
   * them from the store. Longer ephemeral messages do not reach other nodes. Default: 1 MiB.
   */
  readonly maxMessageLength?: number
  /**
   * Sends a message to all subscribers of the channel. This node may receive it too. Rejects if the message cannot be sent now. Under load, drop
   * ephemeral messages first: their number is not limited.
   */
  publish (channel: string, message: string, isEphemeral: boolean): Promise<unknown>
  /** Subscribes to a channel. Returns a function that unsubscribes. A channel has one subscriber at a time. */
  subscribe (channel: string, subscriber: Subscriber): () => void
  /** Called when the Fastify instance closes. No subscriber may be called afterwards. */
  close (): Promise<void>
}

/** Makes the bus of a registration. The bus logs to the log of its Fastify instance. */
export type CreateBus = (log: FastifyBaseLogger) => Bus | Promise<Bus>

export interface Subscriber {
  message (message: string): void
  /** `true`: messages published from now on arrive. `false`: messages may be lost. The initial state is `false`. */
  connected (isConnected: boolean): void
}
