import type { GetDocument } from '../callbacks.ts'
import { DocumentsUnsupported } from '../errors.ts'
import type { Documents, DocumentsCallbacks } from './documents.ts'

export interface DocumentsSettings {
  /** The functions of the user. */
  callbacks: DocumentsCallbacks
  /** Those of our store, if it is used. */
  defaults: DocumentsCallbacks | undefined
  getDocument: GetDocument
  /** Called when a document was deleted. */
  onDeleted (documentId: string): void
}

/** `fastify.secsync.documents`: the user's functions, or else those of our store. The others say what is missing. */
export function documentsOf ({ callbacks, defaults, getDocument, onDeleted }: DocumentsSettings): Documents {
  const fn = <Name extends keyof Documents>(name: Name): NonNullable<DocumentsCallbacks[Name]> => {
    const callback = callbacks[name] ?? defaults?.[name]?.bind(defaults)
    if (callback === undefined) throw new DocumentsUnsupported(name)
    return callback as NonNullable<DocumentsCallbacks[Name]>
  }
  // Whoever can load a document knows whether it is there.
  const isLoaded = async (documentId: string): Promise<boolean> => {
    const document = await getDocument({ documentId, mode: 'complete' })
    return document?.snapshot !== undefined && document.snapshot !== null
  }
  return {
    list: async (query) => await fn('list')(query),
    get: async (documentId) => await fn('get')(documentId),
    exists: async (documentId) => await (callbacks.exists ?? defaults?.exists?.bind(defaults) ?? isLoaded)(documentId),
    usage: async (query) => await fn('usage')(query),
    history: async (documentId, query) => await fn('history')(documentId, query),
    snapshot: async (documentId, snapshotId) => await fn('snapshot')(documentId, snapshotId),
    async delete (documentId, options) {
      const receipt = await fn('delete')(documentId, options)
      if (receipt !== undefined) onDeleted(documentId)
      return receipt
    },
    receipt: async (documentId) => await fn('receipt')(documentId),
    restore: async (documentId) => await fn('restore')(documentId),
    purge: async (options) => await fn('purge')(options),
    prune: async (retention, options) => await fn('prune')(retention, options),
    recount: async (options) => await fn('recount')(options)
  }
}
