import { BusUnavailable } from '../errors.ts'

/** Maximum length of unsent messages in characters. Further messages are dropped: they are hints and not worth the memory. */
const maxUnsent = 8 * 1024 * 1024

/** The maximum for ephemeral messages. It is lower, so that they do not block messages about saved changes. */
const maxUnsentEphemeral = maxUnsent / 4

/** The messages that a broker has not accepted yet. */
export class Unsent {
  #length = 0

  /** Throws `FST_SECSYNC_BUS_UNAVAILABLE` if too much is unsent. */
  add (message: string, isEphemeral: boolean): void {
    if (this.#length > (isEphemeral ? maxUnsentEphemeral : maxUnsent)) throw new BusUnavailable('the broker is too slow')
    this.#length += message.length
  }

  remove (message: string): void {
    this.#length -= message.length
  }
}
