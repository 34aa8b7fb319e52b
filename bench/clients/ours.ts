import { openDocument } from 'fastify-secsync/client'
import { yjs } from 'fastify-secsync/client/yjs'
import * as Y from 'yjs'
import { key, type OpenClient } from './client.ts'

export function open (url: string, documentId: string): OpenClient {
  const yDoc = new Y.Doc()
  const document = openDocument({
    url,
    documentId,
    sessionKey: 'session',
    crdt: yjs(yDoc),
    getKey: () => key,
    isValidClient: () => true
  })
  return { yDoc, end: () => { void document.destroy() } }
}
