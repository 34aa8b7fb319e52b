// What libsodium checks of an Ed25519 key and signature before it calculates with them.

/** The order of the group of the base point. */
const order = littleEndian('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed')
const fieldPrime = littleEndian('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed')
/** The y of the points of order 1, 2, 4 and 8. */
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000001',
  '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826',
  '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7'
].map(littleEndian)

/** Whether the encoding of a point is canonical, and the point not of small order. It may still not be on the curve. */
export function isPlausiblePoint (bytes: Uint8Array): boolean {
  const y = Uint8Array.from(bytes)
  y[31]! &= 0x7f
  return isBelow(y, fieldPrime) && !smallOrder.some((small) => small.every((byte, index) => byte === y[index]))
}

/** Whether R is plausible and S canonical: otherwise there would be a second signature for the same message. */
export function isPlausibleSignature (signature: Uint8Array): boolean {
  return signature.length === 64 && isPlausiblePoint(signature.subarray(0, 32)) && isBelow(signature.subarray(32), order)
}

/** Compares little-endian numbers of 32 bytes. */
function isBelow (a: Uint8Array, b: Uint8Array): boolean {
  for (let index = 31; index >= 0; index--) {
    if (a[index] !== b[index]) return a[index]! < b[index]!
  }
  return false
}

function littleEndian (hex: string): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, index) => parseInt(hex.slice(62 - 2 * index, 64 - 2 * index), 16))
}
