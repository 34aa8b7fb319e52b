/**
 * What nodes tell each other. It is a hint and no more: a message may get lost, be repeated, or come late or in another order, for each
 * node looks into the store for what it is missing. `redis` is one; another broker needs these three functions.
 */
export interface Bus {
  /**
   * Sends to whoever is subscribed to the channel, whether this node is told, too, or not. Rejects when it cannot be sent now. When there
   * is too much to send, what is ephemeral comes last: anybody may send any amount of that.
   */
  publish (channel: string, message: string, isEphemeral: boolean): Promise<unknown>
  /** Until the function that it returns is called. There is one subscriber of a channel at a time. */
  subscribe (channel: string, subscriber: Subscriber): () => void
  /** When the Fastify instance closes: no subscriber is called any more. */
  close (): Promise<void>
}

export interface Subscriber {
  message (message: string): void
  /** True: whatever is published from now on arrives. False: it may get lost. At first it is false. */
  connected (isConnected: boolean): void
}
