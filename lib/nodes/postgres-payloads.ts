/**
 * A message as payloads of notifications. PostgreSQL allows 7999 bytes per payload, and drops a payload that repeats another one of its
 * transaction. A payload has a head of four words and a line break: address, id of the message, index and count of its parts. The parts of a
 * message are sent by one statement, and PostgreSQL delivers the notifications of a transaction in their order and next to each other.
 */

/** Length of a part in characters: the payload of an ASCII part has less than 7999 bytes. */
const partLength = 7900
/** A UTF-16 code unit has up to three bytes in UTF-8. */
const widePartLength = Math.floor(partLength / 3)

export function payloadsOf (address: string, id: number, message: string): string[] {
  const parts = partsOf(message, Buffer.byteLength(message) === message.length ? partLength : widePartLength)
  return parts.map((part, index) => `${address} ${id} ${index} ${parts.length}\n${part}`)
}

function partsOf (message: string, length: number): string[] {
  if (message.length <= length) return [message]
  const parts: string[] = []
  for (let start = 0; start < message.length;) {
    let end = Math.min(start + length, message.length)
    // Both halves of a surrogate pair stay together.
    if (/[\uDC00-\uDFFF]/.test(message.charAt(end))) end--
    parts.push(message.slice(start, end))
    start = end
  }
  return parts
}

/** Puts the payloads of one connection together again. */
export class Assembler {
  #message = ''
  #text = ''
  /** The index of the next part. */
  #next = 0

  /** Returns the address and the message with the last part of a message. Payloads of others, and parts without what is before them, are ignored. */
  add (sender: number, payload: string): { address: string, message: string } | undefined {
    const headLength = payload.indexOf('\n')
    const [address = '', id, index, count] = payload.slice(0, headLength).split(' ')
    const text = payload.slice(headLength + 1)
    if (count === '1') return { address, message: text }
    const message = `${sender} ${address} ${id} ${count}`
    if (index === '0') {
      this.#message = message
      this.#text = ''
      this.#next = 0
    }
    if (message !== this.#message || index !== String(this.#next)) return undefined
    this.#text += text
    if (String(++this.#next) !== count) return undefined
    this.#message = ''
    return { address, message: this.#text }
  }
}
