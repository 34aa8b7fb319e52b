import { Type, type Static } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import { isBase64 } from './base64.ts'

/** The number of an update among those of its author on its snapshot: 0, 1, 2, … without a gap. */
export const Clock = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** `{ [author's public key]: the last clock }` of one snapshot. An author without an update has no entry. */
export const UpdateClocks = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }), Clock, { additionalProperties: false })
export type UpdateClocks = Static<typeof UpdateClocks>

const clocksCheck = TypeCompiler.Compile(UpdateClocks)

export function sameClocks (a: UpdateClocks, b: UpdateClocks): boolean {
  const authors = Object.keys(a)
  return authors.length === Object.keys(b).length && authors.every((author) => a[author] === b[author])
}

/** Clocks from `knownSnapshotUpdateClocks` (JSON, perhaps still URI-encoded); unreadable ones are ignored, as the spec wants. */
export function parseClocks (text: string | undefined): UpdateClocks | undefined {
  if (!text) return undefined
  try {
    const clocks: unknown = JSON.parse(text.startsWith('%') ? decodeURIComponent(text) : text)
    return clocksCheck.Check(clocks) && Object.keys(clocks).every(isBase64) ? clocks : undefined
  } catch {
    return undefined
  }
}
