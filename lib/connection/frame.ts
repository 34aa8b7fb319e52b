import type { Duplex } from 'node:stream'

/**
 * A WebSocket text frame (RFC 6455, section 5.2) as a server sends it: whole, unmasked, uncompressed. Built once for a message and
 * written as it is to the socket of every reader; `ws` would build one for each.
 */
export function textFrame (...parts: string[]): Buffer {
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
  const headerLength = length < 126 ? 2 : length < 65536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + length)
  frame[0] = 0x81
  if (headerLength === 2) {
    frame[1] = length
  } else if (headerLength === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  let end = headerLength
  for (const part of parts) end += frame.write(part, end)
  return frame
}

/** A ping (section 5.5.2): the peer's WebSocket answers it with the same payload, of at most 125 bytes, behind what it has sent. */
export function pingFrame (payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x89, payload.length]), Buffer.from(payload, 'latin1')])
}

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
