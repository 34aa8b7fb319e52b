import { once } from 'node:events'
import { WebSocket } from 'ws'

/** How much a client is to be sent of a document: as in the query of a handshake. */
export type Query = Record<string, string>

let sessions = 0

/** One connection. It knows how much it received, and has the document when it is open. */
export class Client {
  readonly #socket: WebSocket
  /** Bytes of the messages that were received. */
  received = 0
  /** Gets every message but the document. */
  onMessage: ((data: Buffer) => void) | undefined

  private constructor (url: string, documentId: string, query: Query) {
    const search = new URLSearchParams({ sessionKey: `session-${sessions++}`, ...query })
    this.#socket = new WebSocket(`${url}/${documentId}?${search}`, { perMessageDeflate: false })
  }

  static async open (url: string, documentId: string, query: Query = {}): Promise<Client> {
    const client = new Client(url, documentId, query)
    await new Promise<void>((resolve, reject) => {
      const socket = client.#socket
      const failed = (error: unknown): void => reject(new Error(`No document of ${url}`, { cause: error }))
      socket.on('error', failed)
      socket.on('close', failed)
      socket.on('message', (data: Buffer) => {
        client.received += data.length
        if (client.onMessage !== undefined) return client.onMessage(data)
        if (!data.subarray(0, 20).toString().startsWith('{"type":"document"')) return failed(data.toString())
        client.onMessage = () => {}
        resolve()
      })
    })
    return client
  }

  send (message: string): void {
    this.#socket.send(message)
  }

  async close (): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}

/** Does `task` for each of `count`, up to `atOnce` at the same time. */
export async function forEach<T> (count: number, atOnce: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, async () => {
    while (next < count) {
      const index = next++
      results[index] = await task(index)
    }
  }))
  return results
}

export async function openClients (count: number, url: string, documentId: (index: number) => string, query?: Query): Promise<Client[]> {
  return await forEach(count, 100, async (index) => await Client.open(url, documentId(index), query))
}

export async function closeClients (clients: Client[]): Promise<void> {
  await forEach(clients.length, 500, async (index) => { await clients[index]!.close() })
}
