import type { Work } from './work.ts'

/** BLAKE2b with a 32-byte digest, in base64. A ciphertext is hashed as its base64 text. */
export declare function hash (text: string): Work<string>
