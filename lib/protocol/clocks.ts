import { Type, TypeCompiler, type Static } from './typebox.ts'
import { isBase64 } from './base64.ts'

/** The number of an update among the updates of its author on one snapshot: 0, 1, 2, … without gaps. */
export const Clock = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** The last clock of each author on one snapshot, by public key. Authors without updates have no entry. */
export const UpdateClocks = Type.Record(
  Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }), Clock, { additionalProperties: false })
export type UpdateClocks = Static<typeof UpdateClocks>

const clocksCheck = TypeCompiler.Compile(UpdateClocks)

export function sameClocks (a: UpdateClocks, b: UpdateClocks): boolean {
  const authors = Object.keys(a)
  return authors.length === Object.keys(b).length && authors.every((author) => a[author] === b[author])
}

/** Parses `knownSnapshotUpdateClocks` (JSON, possibly URI-encoded). Returns `undefined` for invalid clocks, which the spec ignores. */
export function parseClocks (text: string | undefined): UpdateClocks | undefined {
  if (!text) return undefined
  try {
    const clocks: unknown = JSON.parse(text.startsWith('%') ? decodeURIComponent(text) : text)
    return clocksCheck.Check(clocks) && Object.keys(clocks).every(isBase64) ? clocks : undefined
  } catch {
    return undefined
  }
}
