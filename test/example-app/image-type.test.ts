import t from 'tap'
import { randomText } from '../../example-app/web/crypto/base64.ts'
import { imageOf } from '../../example-app/web/files/image-attributes.ts'
import { factsOf, isShowable } from '../../example-app/web/files/image-type.ts'
import { png } from '../fixtures/images.ts'

const bytes = (...parts: Array<string | number[]>) => Buffer.concat(parts.map((part) => typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part)))

const gif = bytes('GIF89a', [0x40, 1, 0xf0, 0], [0, 0, 0])
const lossy = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8 ', [0, 0, 0, 0], [0, 0, 0, 0x9d, 1, 0x2a], [0x40, 1, 0xf0, 0])
// 319 and 239, 14 bits each.
const lossless = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8L', [0, 0, 0, 0], [0x2f], [0x3f, 0xc1, 0x3b, 0])
const extended = bytes('RIFF', [0, 0, 0, 0], 'WEBPVP8X', [0, 0, 0, 0], [0, 0, 0, 0], [0x3f, 1, 0, 0xef, 0, 0])
const exif = [0xff, 0xe1, 0, 6, 0x45, 0x78, 0x69, 0x66]
const frame = [0xff, 0xc2, 0, 11, 8, 0, 0xf0, 1, 0x40, 1, 1, 0x11, 0]
const jpeg = bytes([0xff, 0xd8], exif, [0xff, 0xc4, 0, 2], [0xff, 0xff], frame.slice(1))

t.test('images are known by their first bytes', async (t) => {
  for (const [type, image] of [
    ['image/png', png(320, 240)], ['image/gif', gif], ['image/webp', lossy], ['image/webp', lossless], ['image/webp', extended], ['image/jpeg', jpeg]
  ] as const) {
    t.strictSame(factsOf(image), { type, width: 320, height: 240 })
    // From any place in a buffer, and cut off anywhere.
    t.strictSame(factsOf(new Uint8Array(bytes('xyz', [...image])).subarray(3)), { type, width: 320, height: 240 })
    for (let length = 0; length < 10; length++) t.equal(factsOf(image.subarray(0, length)), undefined)
  }
})

t.test('nothing else is an image', async (t) => {
  for (const other of [
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', '<?xml version="1.0"?><svg/>', '<html><script>1</script></html>',
    '%PDF-1.7 and more of it is here', 'BM and more of it is in this file', 'RIFF....WAVEfmt and more of it', 'RIFF....WEBPVP9 and more of it is here'
  ]) t.equal(factsOf(Buffer.from(other)), undefined, other)
  t.equal(factsOf(bytes([0xff, 0xd8], [0, 0, 0, 0])), undefined, 'a JPEG without a frame')
  t.equal(factsOf(png(320, 240).fill(0, 16, 24)), undefined, 'no pixels')
  const facts = { type: 'image/png', width: 8000, height: 8000 } as const
  t.equal(isShowable(facts), true)
  t.equal(isShowable({ ...facts, width: 8001 }), false)
})

t.test('attributes of an image are checked', async (t) => {
  const right = { file: randomText(32), key: randomText(32), type: 'image/png', width: 3, height: 4, alt: 'A boat' }
  t.strictSame(imageOf({ ...right, other: 1 }), right)
  t.strictSame(imageOf({ ...right, alt: '' }), { ...right, alt: '' })
  for (const [name, values] of Object.entries({
    file: [undefined, null, 7, '', '../..', randomText(31), `${right.file}=`, {}],
    key: [undefined, null, '', randomText(31), randomText(33), ['a']],
    type: [undefined, 'image/svg+xml', 'text/html', 'IMAGE/PNG', {}],
    width: [undefined, 0, -1, 1.5, 1e9, Infinity, NaN, '3', {}],
    height: [undefined, 0, 16_385, null],
    alt: [undefined, null, {}, 7, 'a'.repeat(1001)]
  })) for (const value of values) t.equal(imageOf({ ...right, [name]: value }), undefined, `${name} ${String(value)}`)
})
