import { createRequire } from 'node:module'
import { portable, type Sodium } from './portable-sodium.ts'

/**
 * sodium-native, or the same in Node.js on platforms without a binary of it, for instance Alpine Linux. Required, not imported: Node.js would look for
 * names to import in the 100 KB of the package, which takes longer than to run it.
 */
export function loadSodium (require: (name: string) => unknown): Sodium {
  try {
    return require('sodium-native') as Sodium
  } catch {
    return portable
  }
}

export const sodium = loadSodium(createRequire(import.meta.url))
