import { openDocument, type WebSocketConstructor } from 'fastify-secsync/client'
import { yjs } from 'fastify-secsync/client/yjs'
import { WebSocket } from 'ws'
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
    isValidClient: () => true,
    WebSocket: WebSocket as unknown as WebSocketConstructor
  })
  return { yDoc, end: () => { void document.destroy() } }
}
