/**
 * Builds an unfragmented, unmasked, uncompressed WebSocket text frame (RFC 6455, section 5.2). One frame is written to the sockets of all
 * readers. `ws` would build one per reader.
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
