import type { ClientMessage, MessageKind } from '../../protocol/messages.ts'
import { authorOf } from './author.ts'
import { fromBase64 } from './base64.ts'
import * as ed25519 from './ed25519.ts'
import { CryptoError } from './errors.ts'
import { decrypt, signedBytes } from './messages.ts'
import * as platform from './platform.ts'
import { Pace } from './work.ts'

/** Verifications on other threads at the same time. */
const maxParallel = 64

export interface OpenOptions {
  /** Share one between calls that follow each other: default one with a budget of 8 ms. */
  pace?: Pace | undefined
  /** Default: `platform`, which is WebCrypto where it decides as libsodium does, else JavaScript. */
  verifier?: 'platform' | 'javascript' | undefined
}

/** Verifies messages that have the right shape: for each of them, in order, the error or `undefined`. */
export async function verifyAll (
  kind: MessageKind, messages: readonly ClientMessage[], options: OpenOptions = {}
): Promise<Array<CryptoError | undefined>> {
  return await verifyEach(kind, messages, options)
}

/** Verifies and decrypts messages that have the right shape, at the same time: for each of them, in order, the content or the error. */
export async function openAll (
  kind: MessageKind, messages: readonly ClientMessage[], key: Uint8Array, { pace = new Pace(), verifier }: OpenOptions = {}
): Promise<Array<Uint8Array | CryptoError>> {
  const contents: Array<Uint8Array | CryptoError> = []
  const errors = await verifyEach(kind, messages, { pace, verifier }, async (message) => {
    contents.push(await pace.run(decrypt(message, key)).catch(refusal))
  })
  return contents.map((content, index) => errors[index] ?? content)
}

/** `meanwhile` is done for one message after the other, while others are verified on other threads. */
async function verifyEach (
  kind: MessageKind, messages: readonly ClientMessage[], { pace = new Pace(), verifier = 'platform' }: OpenOptions,
  meanwhile?: (message: ClientMessage) => Promise<void>
): Promise<Array<CryptoError | undefined>> {
  const usesPlatform = verifier === 'platform' && await platform.isPlatformUsable()
  const results: Array<CryptoError | undefined> = messages.map(() => undefined)
  const isValid = async (message: ClientMessage) => {
    const text = signedBytes(kind, message)
    const signature = fromBase64(message.signature)
    const author = authorOf(message.publicData.pubKey)
    return await (usesPlatform ? platform.verify(signature, text, author) : pace.run(ed25519.verify(signature, text, author)))
  }
  const running = new Set<Promise<void>>()
  for (const [index, message] of messages.entries()) {
    await pace.rest()
    const verification = isValid(message)
      // Neither is text that is not base64.
      .catch((error: unknown) => {
        refusal(error)
        return false
      })
      .then((isValid) => {
        if (!isValid) results[index] = new CryptoError('SECSYNC_INVALID_SIGNATURE', 'The signature is not the author\'s')
        running.delete(verification)
      })
    running.add(verification)
    await meanwhile?.(message)
    if (running.size >= (usesPlatform ? maxParallel : 1)) await Promise.race(running)
  }
  await Promise.all(running)
  return results
}

/**
 * Verifies one message that has the right shape.
 * @throws `SECSYNC_INVALID_SIGNATURE`
 */
export async function verify (kind: MessageKind, message: ClientMessage, options?: OpenOptions): Promise<void> {
  const [error] = await verifyAll(kind, [message], options)
  if (error !== undefined) throw error
}

/** Decrypts messages that were verified: for each of them, in order, the content or the error. */
export async function decryptAll (
  messages: readonly ClientMessage[], key: Uint8Array, { pace = new Pace() }: Pick<OpenOptions, 'pace'> = {}
): Promise<Array<Uint8Array | CryptoError>> {
  const contents: Array<Uint8Array | CryptoError> = []
  for (const message of messages) {
    await pace.rest()
    contents.push(await pace.run(decrypt(message, key)).catch(refusal))
  }
  return contents
}

function refusal (error: unknown): CryptoError {
  if (error instanceof CryptoError) return error
  throw error
}
