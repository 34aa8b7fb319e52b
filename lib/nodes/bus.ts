/**
 * The message broker between nodes. Its messages are hints: they may be lost, repeated, delayed or reordered, because each node loads missing
 * changes from the store. `redis` is one implementation.
 */
export interface Bus {
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

export interface Subscriber {
  message (message: string): void
  /** `true`: messages published from now on arrive. `false`: messages may be lost. The initial state is `false`. */
  connected (isConnected: boolean): void
}
