import { request, type Role } from '../api.ts'
import { changeDocument, documents } from '../device/documents.ts'
import { hasProfile, useProfile } from '../profile/profile.ts'
import { session, withSession } from '../session.ts'

/** Another device of this person may have made a profile. */
async function findProfile (ids: string[]): Promise<void> {
  const who = session.get()
  const known = new Set(documents.get().map(({ id }) => id))
  if (who === undefined || hasProfile(who) || ids.every((id) => known.has(id))) return
  const { profileIdentity } = await import('../profile/identity.ts')
  if (ids.includes((await profileIdentity(who.memberId)).documentId)) await useProfile(who)
}

/** Asks the server what this person may do in the documents of this device. Without an answer the list stays as it is. */
export async function refreshRoles (): Promise<void> {
  if (session.get() === undefined || documents.get().length === 0) return
  const answer = await withSession(({ sessionKey }) => request<Array<{ documentId: string, role: Role }>>('GET', '/api/documents', sessionKey))
  await findProfile(answer.map(({ documentId }) => documentId))
  const roles = new Map(answer.map(({ documentId, role }) => [documentId, role]))
  for (const record of documents.get()) {
    // Of a document that this person never entered the server says nothing.
    if (!record.registered || record.role === undefined) continue
    const role = roles.get(record.id)
    const isRemoved = role === undefined
    if (isRemoved === (record.isRemoved ?? false) && (isRemoved || role === (record.listedRole ?? record.role))) continue
    await changeDocument(record.id, { listedRole: role, isRemoved })
  }
}
