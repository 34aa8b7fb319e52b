import type { FastifyInstance } from 'fastify'
import type { WebSocketConstructor, WebSocketLike } from '../client/index.ts'

/** The part of a socket of `injectWS` that is used. */
type Injected = Omit<WebSocketLike, 'close'> & { close (): void, terminate (): void }

/** `WebSocket.CONNECTING`, `.CLOSED` */
const [connecting, closed] = [0, 3]

/** A WebSocket that connects to a Fastify instance without a port, with `injectWS` of `@fastify/websocket`. */
export function injectedWebSocket (app: FastifyInstance): WebSocketConstructor {
  return class implements WebSocketLike {
    onopen: ((event: never) => void) | null = null
    onmessage: ((event: never) => void) | null = null
    onerror: ((event: never) => void) | null = null
    onclose: ((event: never) => void) | null = null
    #socket: Injected | undefined
    #isClosed = false

    constructor (url: string) {
      const { pathname, search } = new URL(url)
      app.injectWS(pathname + search, {}, {
        onInit: (socket) => { this.#use(socket as unknown as Injected) }
      }).catch((reason: unknown) => {
        this.#isClosed = true
        this.onclose?.({ code: 1006, reason: String(reason) } as never)
      })
    }

    #use (socket: Injected): void {
      this.#socket = socket
      socket.onopen = (event) => this.onopen?.(event)
      socket.onmessage = (event) => this.onmessage?.(event)
      socket.onerror = (event) => this.onerror?.(event)
      socket.onclose = (event) => this.onclose?.(event)
      if (this.#isClosed) socket.terminate()
    }

    get readyState (): number {
      return this.#socket?.readyState ?? (this.#isClosed ? closed : connecting)
    }

    get bufferedAmount (): number {
      return this.#socket?.bufferedAmount ?? 0
    }

    send (data: string): void {
      this.#socket?.send(data)
    }

    close (): void {
      this.#isClosed = true
      this.#socket?.close()
    }
  }
}
