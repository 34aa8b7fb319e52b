/** An Ed25519 key pair as libsodium keeps it: 32 bytes, and 64 bytes of seed and public key. */
export interface KeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: Uint8Array
}

export declare function createKeyPair (): KeyPair
/** From 32 bytes. Throws `SECSYNC_INVALID_KEY`. */
export declare function keyPairFromSeed (seed: Uint8Array): KeyPair
/** 32 random bytes: the key of a document. */
export declare function createKey (): Uint8Array
/** 24 random bytes in base64: the id of a snapshot. */
export declare function createId (): string
