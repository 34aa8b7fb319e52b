import { documentPath, request, Unreachable } from '../api.ts'
import type { NotReached } from '../crypto/key-exchange.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'

export interface KeyChange extends NotReached {
  hasNewKey: boolean
}

type Document = Pick<OpenDocument, 'id' | 'keyExchange' | 'keyring'>

/**
 * Takes somebody's access back and changes the document's key.
 *
 * The new key is handed out first: from the moment of the removal the server takes no update before a new snapshot, and whoever happens
 * to write next must already find the key to make it with. This page makes one as soon as the keyring has the key. If no key can be made,
 * they are removed all the same: nothing that others have sent may keep somebody in.
 */
export async function removeMember (open: Document, memberId: string): Promise<KeyChange> {
  const made = await withSession((session) => open.keyExchange.makeKey(session, memberId)).catch((error: unknown) => {
    // Nothing can be done at all.
    if (error instanceof Unreachable) throw error
    return undefined
  })
  try {
    await withSession(({ sessionKey }) => request('DELETE', documentPath(open.id, 'members', memberId), sessionKey))
  } finally {
    if (made !== undefined) await open.keyring.add(made.key)
  }
  return { asked: made?.asked ?? [], unreached: made?.unreached ?? [], hasNewKey: made !== undefined }
}

/** Changes the document's key, for instance when that failed with a removal. */
export async function changeKey (open: Document): Promise<KeyChange> {
  const { key, ...notReached } = await withSession((session) => open.keyExchange.makeKey(session))
  await open.keyring.add(key)
  return { ...notReached, hasNewKey: true }
}
