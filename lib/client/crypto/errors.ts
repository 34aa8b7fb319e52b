/** Why a key, a message or a proof was refused. */
export type CryptoErrorCode =
  /** A text is not base64, URL-safe, without padding, with zero spare bits. */
  | 'SECSYNC_INVALID_BASE64'
  /** A key does not have the right length, or its two halves do not belong together. */
  | 'SECSYNC_INVALID_KEY'
  /** A message does not have the shape that the protocol gives it. */
  | 'SECSYNC_INVALID_MESSAGE'
  /** A signature does not belong to the message and its author. */
  | 'SECSYNC_INVALID_SIGNATURE'
  /** The ciphertext was not made with this key, or it was changed. */
  | 'SECSYNC_WRONG_KEY'
  /** The snapshot does not descend from the one that is known. */
  | 'SECSYNC_INVALID_PROOF'
  /** An ephemeral message repeats an earlier one of its session. */
  | 'SECSYNC_REPLAYED_MESSAGE'

/** The only error that this folder throws on bad input. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  readonly code: CryptoErrorCode

  constructor (code: CryptoErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
