/** The content of an update: a JSON array of changes in base64, in UTF-8. */
export declare function encodeChanges (changes: readonly Uint8Array[]): Uint8Array
/** Throws `SECSYNC_INVALID_MESSAGE`. */
export declare function decodeChanges (content: Uint8Array): Uint8Array[]
