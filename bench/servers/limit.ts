// The limit of the machine: parses, verifies, acknowledges and relays, and stores nothing. It knows no access, no limits and no
// errors, and shares no code with the product, so that what slows the product down does not slow this down as well.
import { once } from 'node:events'
import { createServer } from 'node:http'
import canonicalize from 'canonicalize'
import { sodium } from '../../lib/protocol/sodium.ts'
import { WebSocketServer, type WebSocket } from 'ws'
import { serve } from './process.ts'

interface Message {
  ciphertext: string
  nonce: string
  signature: string
  publicData: { pubKey: string, snapshotId?: string, refSnapshotId?: string, clock?: number }
}

class Document {
  readonly connections = new Set<WebSocket>()
  snapshot = ''
  snapshotId = ''
  updates: Array<{ author: string, clock: number, text: string }> = []

  load (mode: string | null, snapshotId: string | null, clocks: Record<string, number>): string {
    if (this.snapshot === '') return '{"type":"document"}'
    if (mode !== 'delta' || snapshotId !== this.snapshotId) {
      return `{"type":"document","snapshot":${this.snapshot},"snapshotProofChain":[],"updates":[${this.updates.map(({ text }) => text).join()}]}`
    }
    const missing = this.updates.filter(({ author, clock }) => clock > (clocks[author] ?? -1))
    return `{"type":"document","updates":[${missing.map(({ text }) => text).join()}]}`
  }

  relay (text: string, sender: WebSocket): void {
    const frame = Buffer.from(text)
    for (const connection of this.connections) {
      if (connection !== sender) connection.send(frame, { binary: false })
    }
  }
}

const documents = new Map<string, Document>()
const server = createServer().listen(0, '127.0.0.1')
new WebSocketServer({ server }).on('connection', (socket, request) => {
  const { pathname, searchParams } = new URL(request.url!, 'ws://limit')
  const document = documents.get(pathname) ?? new Document()
  documents.set(pathname, document)
  document.connections.add(socket)
  socket.on('close', () => document.connections.delete(socket))
  const clocks = JSON.parse(searchParams.get('knownSnapshotUpdateClocks') ?? '{}') as Record<string, number>
  socket.send(document.load(searchParams.get('mode'), searchParams.get('knownSnapshotId'), clocks))

  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message
    const { pubKey: author, snapshotId, refSnapshotId, clock = 0 } = message.publicData
    if (snapshotId !== undefined) {
      if (!isSigned('secsync_snapshot', message)) return
      document.snapshot = JSON.stringify(message)
      document.snapshotId = snapshotId
      document.updates = []
      socket.send(JSON.stringify({ type: 'snapshot-saved', snapshotId }))
      document.relay(`{"type":"snapshot","snapshot":${document.snapshot}}`, socket)
    } else if (refSnapshotId !== undefined) {
      if (!isSigned('secsync_update', message)) return
      const text = JSON.stringify(message)
      document.updates.push({ author, clock, text })
      socket.send(JSON.stringify({ type: 'update-saved', snapshotId: refSnapshotId, clock }))
      document.relay(`{"type":"update",${text.slice(1)}`, socket)
    } else if (isSigned('secsync_ephemeral_message', message)) {
      document.relay(`{"type":"ephemeral-message",${JSON.stringify(message).slice(1)}`, socket)
    }
  })
})

function isSigned (domain: string, { ciphertext, nonce, publicData, signature }: Message): boolean {
  const text = canonicalize({ ciphertext, nonce, publicData: Buffer.from(canonicalize(publicData)!).toString('base64url') })!
  return sodium.crypto_sign_verify_detached(
    Buffer.from(signature, 'base64url'), Buffer.from(domain + text), Buffer.from(publicData.pubKey, 'base64url'))
}

await once(server, 'listening')
serve(server)
