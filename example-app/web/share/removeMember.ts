import { documentPath, request, type Membership } from '../api.ts'
import { withSession } from '../session.ts'
import type { OpenDocument } from '../sync/open-document.ts'

/**
 * Takes somebody's access back and changes the document's key. Answers with the names of members whose device nobody has seen yet: they
 * need the new link.
 *
 * The new key is handed out first: from the moment of the removal the server takes no update before a new snapshot, and whoever happens
 * to write next must already find the key to make it with. This page makes one as soon as the keyring has the key.
 */
export async function removeMember (open: OpenDocument, membership: Membership, memberId: string): Promise<string[]> {
  const { key, unreached } = await withSession((session) => open.keyExchange.makeKey(session, membership, memberId))
  try {
    await withSession(({ sessionKey }) => request('DELETE', documentPath(open.id, 'members', memberId), sessionKey))
  } finally {
    await open.keyring.add(key)
  }
  return unreached
}
