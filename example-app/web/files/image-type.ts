import type { ImageType } from './image-attributes.ts'

// What an image is, by its first bytes and not by what somebody says of it. Others, SVG above all, are no images here.

export interface ImageFacts {
  type: ImageType
  /** Pixels. */
  width: number
  height: number
}

/** Pixels of one image that a browser is asked to decode: 4 bytes of memory for each. */
const mostPixels = 64_000_000

export function factsOf (bytes: Uint8Array): ImageFacts | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const facts = pngFacts(view) ?? gifFacts(view) ?? webpFacts(view) ?? jpegFacts(view)
    return facts !== undefined && facts.width > 0 && facts.height > 0 ? facts : undefined
  } catch (error) {
    // Its end is missing.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** Whether a browser can be asked to show it: a few kilobytes can claim to be a picture of a billion pixels. */
export function isShowable ({ width, height }: ImageFacts): boolean {
  return width * height <= mostPixels
}

function textAt (view: DataView, at: number, text: string): boolean {
  return [...text].every((character, index) => view.getUint8(at + index) === character.charCodeAt(0))
}

function pngFacts (view: DataView): ImageFacts | undefined {
  if (!textAt(view, 0, '\x89PNG\r\n\x1a\n') || !textAt(view, 12, 'IHDR')) return undefined
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function gifFacts (view: DataView): ImageFacts | undefined {
  if (!textAt(view, 0, 'GIF87a') && !textAt(view, 0, 'GIF89a')) return undefined
  return { type: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

function webpFacts (view: DataView): ImageFacts | undefined {
  if (!textAt(view, 0, 'RIFF') || !textAt(view, 8, 'WEBP')) return undefined
  const type = 'image/webp'
  if (textAt(view, 12, 'VP8 ')) return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  if (textAt(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { type, width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 }
  }
  if (!textAt(view, 12, 'VP8X')) return undefined
  const uint24 = (at: number) => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
  return { type, width: uint24(24) + 1, height: uint24(27) + 1 }
}

function jpegFacts (view: DataView): ImageFacts | undefined {
  if (view.getUint16(0) !== 0xffd8) return undefined
  for (let at = 2; view.getUint8(at) === 0xff;) {
    const marker = view.getUint8(at + 1)
    // Bytes that fill up.
    if (marker === 0xff) at++
    // Start of a frame, and not a table or an extension with a number in between.
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { type: 'image/jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) }
    } else at += 2 + view.getUint16(at + 2)
  }
  return undefined
}
