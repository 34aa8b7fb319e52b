import type { Duplex } from 'node:stream'

const corked = new Set<Duplex>()

/** All that is written in one go of the event loop, like the acknowledgements and relays of a batch, leaves in one system call. */
export function cork (stream: Duplex): void {
  if (corked.has(stream)) return
  // After the promises that are resolved now have run, too.
  if (corked.size === 0) process.nextTick(uncork)
  corked.add(stream)
  stream.cork()
}

function uncork (): void {
  const streams = [...corked]
  corked.clear()
  for (const stream of streams) stream.uncork()
}
