/** Whether it is a relative position of Yjs in the text of a document, as JSON. */
export function isPosition (position: unknown): boolean {
  if (!isRecord(position)) return false
  const { type, tname, item, assoc } = position
  const isAnywhere = [type, item].every((id) => id === undefined || id === null || isId(id))
  return isAnywhere && (tname === undefined || tname === null || tname === 'body') && (assoc === undefined || Number.isSafeInteger(assoc)) &&
    [type, tname, item].some((part) => part !== undefined && part !== null)
}

function isId (id: unknown): boolean {
  return isRecord(id) && [id.client, id.clock].every((number) => Number.isSafeInteger(number) && Number(number) >= 0)
}

export function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
