export type PresenceEvent =
  /** Somebody sent a message: verified, decrypted, of a session that proved to be alive, never twice. */
  | { type: 'message', publicKey: string, content: Uint8Array }
  /**
   * Somebody can read from now on what this client sends: a peer that joined, or after a reconnect everybody who is there. Send the
   * whole own state again; what was sent before did not reach them.
   */
  | { type: 'peer', publicKey: string }
  /** The connection is gone: nobody is known to be there any more. */
  | { type: 'disconnected' }

/** Ephemeral messages: encrypted and signed, relayed to those who are connected, never stored. Compatible with the published client. */
export interface Presence {
  /** The own one: what others see as the author of messages. */
  readonly publicKey: string
  /** Sends to everybody who is there. When not connected it is dropped: send the state on `peer`. */
  send (content: Uint8Array): void
  /** Returns a function that ends the subscription. */
  subscribe (listener: (event: PresenceEvent) => void): () => void
}
