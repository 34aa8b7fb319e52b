import { indexedDbStorage } from 'fastify-secsync/client/indexeddb'
import { forgetEarlierCopy } from '../device/earlier-version.ts'

/** The text of documents on this device and what is not sent yet, encrypted with the documents' keys. */
export const storage = indexedDbStorage({ name: 'sealed-notes-documents' })

/** The text and what waits to be sent, but not the keys. */
export async function forgetContent (documentId: string): Promise<void> {
  const stored = await storage.open(documentId)
  await stored.remove()
  await stored.close()
  await forgetEarlierCopy(documentId)
}
