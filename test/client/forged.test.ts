import { hmac } from '@noble/hashes/hmac.js'
import { sha512 } from '@noble/hashes/sha2.js'
import t from 'tap'
import { decrypt, encrypt } from '../../lib/client/crypto/aead.ts'
import { fromBase64, toBase64 } from '../../lib/client/crypto/base64.ts'
import { createKey } from '../../lib/client/crypto/keys.ts'
import { finish } from '../../lib/client/crypto/work.ts'

const key = createKey()
const additional = toBase64(new TextEncoder().encode('public data'))

t.test('a tag that is not right is refused, also of somebody who has the key and commits to it', (t) => {
  const { ciphertext, nonce } = finish(encrypt(new TextEncoder().encode('content'), additional, key))
  t.equal(new TextDecoder().decode(finish(decrypt(ciphertext, nonce, additional, key))), 'content')
  const sealed = fromBase64(ciphertext)
  const commit = () => sealed.set(hmac(sha512, key, new TextEncoder().encode(`${nonce}${toBase64(sealed.subarray(32))}${additional}`)).subarray(0, 32))
  commit()
  t.equal(toBase64(sealed), ciphertext, 'this is how to commit')
  sealed.set([(sealed.at(-1) ?? 0) ^ 1], sealed.length - 1)
  commit()
  t.throws(() => finish(decrypt(toBase64(sealed), nonce, additional, key)), { code: 'SECSYNC_WRONG_KEY' })
  t.end()
})
