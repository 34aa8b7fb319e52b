// What people use now: `secsync-server` on `ws`, set up as its documentation says, with the store of peer-store.ts.
import { once } from 'node:events'
import { createServer } from 'node:http'
import sodium from 'libsodium-wrappers'
import { createWebSocketConnection } from 'secsync-server'
import { WebSocketServer } from 'ws'
import { createSnapshot, createUpdate, getDocument } from './peer-store.ts'
import { serve } from './process.ts'

await sodium.ready
const server = createServer().listen(0, '127.0.0.1')
new WebSocketServer({ server }).on('connection', createWebSocketConnection({
  getDocument,
  createSnapshot,
  createUpdate,
  hasAccess: async () => true,
  hasBroadcastAccess: async ({ websocketSessionKeys }) => websocketSessionKeys.map(() => true)
}))
await once(server, 'listening')
serve(server)
