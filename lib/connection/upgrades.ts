import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { escapePath } from './handshake-url.ts'

interface UpgradeRoute {
  /** Of the URLs of our route. */
  prefix: string
  /** Milliseconds for a handshake that nobody answers. */
  timeLimit: number
  /** What our @fastify/websocket listens to, unless the user's is used. */
  dispatcher?: EventEmitter
}

/** The upgrades of one HTTP server, which several plugins may listen to. Ours takes only what nobody else has taken. */
export class Upgrades {
  static readonly #byServer = new WeakMap<object, Upgrades>()
  readonly #server: EventEmitter
  readonly #routes: UpgradeRoute[] = []
  /** Of handshakes that wait for an answer. */
  readonly #waiting = new Set<Socket>()

  static of (fastify: FastifyInstance): Upgrades {
    const upgrades = this.#byServer.get(fastify.server) ?? new Upgrades(fastify)
    this.#byServer.set(fastify.server, upgrades)
    return upgrades
  }

  private constructor ({ server }: FastifyInstance) {
    this.#server = server
    // Before the others, which route the URL. It stays when the server closes: the second address of `localhost` takes upgrades until the end.
    server.prependListener('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#onUpgrade(request, socket, head))
  }

  add (route: UpgradeRoute): void {
    this.#routes.push(route)
  }

  /** Ends the handshakes that wait for an answer. */
  close (): void {
    for (const socket of this.#waiting) if (socket.timeout) socket.destroy()
  }

  #onUpgrade (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url = '' } = request
    const route = this.#routes.find(({ prefix }) => url.startsWith(staticPart(prefix)))
    if (route !== undefined) escapePath(request)
    if (route !== undefined && socket instanceof Socket) this.#limit(socket, route.timeLimit)

    const { bytesWritten } = socket as Partial<Socket>
    // The other listeners have run by then.
    process.nextTick(() => {
      const isTaken = socket.destroyed || responseOn(socket) !== undefined || (socket as Partial<Socket>).bytesWritten !== bytesWritten
      if (!isTaken) this.#dispatch(request, socket, head)
      // Nobody else closes a socket that Fastify has answered by itself, as it does for URLs that it does not know.
      responseOn(socket)?.once('finish', () => socket.end())
    })
  }

  #dispatch (request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const dispatcher = this.#routes.find(({ dispatcher }) => dispatcher !== undefined && dispatcher.listenerCount('upgrade') > 0)?.dispatcher
    if (dispatcher !== undefined) dispatcher.emit('upgrade', request, socket, head)
    // @fastify/websocket has closed.
    else if (this.#server.listenerCount('upgrade') === 1) refuse(socket)
  }

  /**
   * Nobody reads from the socket of a handshake that is not answered: not even its end would be seen, and the server could not be
   * closed. `ws` ends the time limit when it takes the socket over.
   */
  #limit (socket: Socket, timeLimit: number): void {
    this.#waiting.add(socket)
    socket.once('close', () => this.#waiting.delete(socket))
    socket.setTimeout(timeLimit, () => socket.destroy())
  }
}

/** Of a prefix with parameters. */
function staticPart (prefix: string): string {
  return prefix.slice(0, prefix.search(/[:*(]|$/))
}

/** The response that @fastify/websocket, or a plugin like it, has assigned to the socket. */
function responseOn (socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}

function refuse (socket: Duplex): void {
  socket.on('error', () => {}).end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroy())
}
