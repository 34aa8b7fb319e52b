import { type Author, authorOf } from './author.ts'
import { fromBase64 } from './base64.ts'
import { isPlausibleSignature } from '../../protocol/points.ts'

// WebCrypto verifies Ed25519 several times faster than JavaScript, and on other threads. Some browsers do not have it, and
// implementations differ on keys and signatures that nobody makes by accident. So it is used only where it decides as
// libsodium does about the vectors below; what `points.ts` refuses it is never asked.

/** Signatures of `secsync` by keys with and without a part of small order: whether libsodium accepts them. */
const vectors: ReadonlyArray<[pubKey: string, signature: string, isValid: boolean]> = [
  ['D3YIeDSJaEwEcmABWVY45SWMLtC9s9GNnjRT6ou0WK0', 'cuZSn4wnPx_GZojPFatjGVcCwXMDS2NGwhATG3mXkSdijQSSvkkkoYJrwW1CTf26qXPvGJkZ17q6CKLaB6mpDg', true],
  ['DJXSxUojCphDp6EacyaIur4nrHQ3shfVaDVKtHvR1Ys', 'SIdUk5pXOLSw5MVMEaHpJQJ4qUwLQ4bf5fYfYAb2agHgpI4fexPfPrTLdvFnOYiNBqA_OxNLOdQIyoCJvJ1QAw', true],
  ['D3YIeDSJaEwEcmABWVY45SWMLtC9s9GNnjRT6ou0WK0', 'pXirbGWox0tPGzqz7l4W2v2HVrP0vHkgGgngn_kJlf4QwZCG-8dZz7zE0wMgDUl7KH7wd3dv0oJV1I9_ETXIBg', false],
  ['xmhCUUTsoej5qOF4mG8VCjEOb0JsvDikLBep4MDnGYI', 'cuZSn4wnPx_GZojPFatjGVcCwXMDS2NGwhATG3mXkSes-oQHS5oHnyx4A6_mjCiLuh43O4-oqUwIYEiaPaGhCg', false],
  ['xmhCUUTsoej5qOF4mG8VCjEOb0JsvDikLBep4MDnGYI', 'pXirbGWox0tPGzqz7l4W2v2HVrP0vHkgGgngn_kJlf6tSMEfHtEriW8UxSZXwJqihONEy1CUvafgYDQEuMc6Cg', false]
]

let usable: Promise<boolean> | undefined

/** Whether this platform verifies as libsodium does. Asked once. */
export function isPlatformUsable (): Promise<boolean> {
  usable ??= Promise.all(vectors.map(async ([pubKey, signature, isValid]) => {
    return await verify(fromBase64(signature), new TextEncoder().encode('secsync'), authorOf(pubKey)) === isValid
  })).then((answers) => !answers.includes(false), () => false)
  return usable
}

/** Whether the author signed the text. Only where `isPlatformUsable`. */
export async function verify (signature: Uint8Array<ArrayBuffer>, text: Uint8Array<ArrayBuffer>, author: Author): Promise<boolean> {
  if (!author.isPlausible || !isPlausibleSignature(signature)) return false
  const key = await author.platformKey()
  return key !== undefined && await crypto.subtle.verify('Ed25519', key, signature, text)
}
