import { Signal } from '../ui/signal.ts'

/** A message as it went over the socket, for the panel that shows what the server sees. */
export interface Frame {
  number: number
  sent: boolean
  at: number
  bytes: number
  kind: string
  message: Record<string, unknown>
}

const kept = 30

export const frames = new Signal<Frame[]>([])
let number = 0
let watched = false

/**
 * The published client opens its WebSocket by itself and tells nobody what goes over it. So that the panel shows the very bytes and not
 * what we believe about them, the sockets of this page are watched where they are made.
 */
export function watchSockets (): void {
  const Native = globalThis.WebSocket
  if (watched) return
  watched = true
  globalThis.WebSocket = class WatchedWebSocket extends Native {
    constructor (url: string | URL, protocols?: string | string[]) {
      super(url, protocols)
      this.addEventListener('message', ({ data }) => note(data, false))
    }

    override send (data: Parameters<WebSocket['send']>[0]): void {
      note(data, true)
      super.send(data)
    }
  }
}

function note (data: unknown, sent: boolean): void {
  if (typeof data !== 'string') return
  const bytes = new TextEncoder().encode(data).length
  const message = JSON.parse(data) as Record<string, unknown>
  frames.set([{ number: number++, sent, at: Date.now(), bytes, kind: kindOf(message), message }, ...frames.get()].slice(0, kept))
}

/** What a client sends has no type: its public data tells. */
function kindOf ({ type, publicData }: Record<string, unknown>): string {
  if (typeof type === 'string') return type
  const facts = (publicData ?? {}) as Record<string, unknown>
  return facts.snapshotId !== undefined ? 'snapshot' : facts.refSnapshotId !== undefined ? 'update' : 'ephemeral-message'
}
