import { Type, Value } from '../protocol/typebox.ts'
import { DocumentsQueryInvalid } from '../errors.ts'
import type { Place } from '../stores/document-rows.ts'

const Cursor = Type.Tuple([Type.String(), Type.String(), Type.Number(), Type.String()])

/** Where the next page begins, as a text without meaning to others. It holds its order: in another one it would begin anywhere. */
export function cursorOf ({ changedAt, documentId }: Place, orderBy: string, direction: string): string {
  return Buffer.from(JSON.stringify([orderBy, direction, changedAt, documentId])).toString('base64url')
}

export function placeOf (cursor: string, orderBy: string, direction: string): Place {
  const value = parse(Buffer.from(cursor, 'base64url').toString())
  if (!Value.Check(Cursor, value)) throw new DocumentsQueryInvalid('list', 'cursor is not one that list() has returned')
  const [ofOrder, ofDirection, changedAt, documentId] = value
  if (ofOrder !== orderBy || ofDirection !== direction) throw new DocumentsQueryInvalid('list', 'cursor is that of a page in another order')
  return { changedAt, documentId }
}

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
