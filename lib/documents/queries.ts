import { Value, type Static, type TObject } from '../protocol/typebox.ts'
import { DocumentsQueryInvalid } from '../errors.ts'

/** Throws for another shape, and for a prefix that no id can have. */
export function checkQuery<Query extends TObject> (name: string, schema: Query, query: unknown): Static<Query> {
  if (!Value.Check(schema, query)) {
    const error = Value.Errors(schema, query).First()
    throw new DocumentsQueryInvalid(name, `${error?.path.slice(1) || 'the argument'}: ${error?.message ?? 'invalid'}`)
  }
  const { prefix } = query as { prefix?: unknown }
  if (typeof prefix === 'string' && !isStorable(prefix)) throw new DocumentsQueryInvalid(name, 'prefix: contains NUL or a lone surrogate')
  return query
}

/** Whether there can be a document with this id. Throws for anything but a string. */
export function checkDocumentId (name: string, documentId: unknown): documentId is string {
  if (typeof documentId !== 'string') throw new DocumentsQueryInvalid(name, 'documentId: must be a string')
  return documentId !== '' && isStorable(documentId)
}

/** PostgreSQL stores neither NUL nor half a surrogate pair. */
function isStorable (text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
