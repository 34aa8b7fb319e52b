/** Decides about an Ed25519 signature as libsodium does. `text` is what was signed, of 32-byte key and 64-byte signature. */
export type Verifier = (signature: Uint8Array, text: Uint8Array, publicKey: Uint8Array) => boolean | Promise<boolean>

/** In JavaScript: 0.3 ms each. Answers at once, without a promise. */
export declare const verifyInJavaScript: Verifier
/** The fastest there is: WebCrypto if it proves with test vectors to decide as libsodium does (30 µs each, on other threads), else JavaScript. */
export declare const verifyOnPlatform: Verifier
