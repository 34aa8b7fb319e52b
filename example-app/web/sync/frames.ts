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

/** For `onFrame` of the client: the very text that goes over the line. */
export function noteFrame ({ sent, text }: { sent: boolean, text: string }): void {
  const bytes = new TextEncoder().encode(text).length
  const message = JSON.parse(text) as Record<string, unknown>
  frames.set([{ number: number++, sent, at: Date.now(), bytes, kind: kindOf(message), message }, ...frames.get()].slice(0, kept))
}

/** What a client sends has no type: its public data tells. */
function kindOf ({ type, publicData }: Record<string, unknown>): string {
  if (typeof type === 'string') return type
  const facts = (publicData ?? {}) as Record<string, unknown>
  return facts.snapshotId !== undefined ? 'snapshot' : facts.refSnapshotId !== undefined ? 'update' : 'ephemeral-message'
}
