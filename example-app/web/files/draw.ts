import type { ImageType } from './image-attributes.ts'
import { factsOf, isShowable, type ImageFacts } from './image-type.ts'

export type Drawn =
  /** `isStill`: it may have been an animation. */
  | { outcome: 'drawn', bytes: Uint8Array<ArrayBuffer>, facts: ImageFacts, isStill: boolean }
  | { outcome: 'noImage' | 'tooBig' | 'unreadable' }

/** Bytes of an image that somebody chooses, and of what becomes of it: with its encryption, less than the 5 MiB of a server. */
const mostBytes = { chosen: 50_000_000, drawn: 5_000_000 }
/** Pixels. */
const longestSide = 2560
const quality = 0.85
/** What is too big for the server is drawn smaller, so often. */
const attempts = 5

/**
 * Draws an image anew, and smaller if it is big. So nothing else of the file stays, as the place where a photo was taken. Of an animation the first
 * picture stays.
 */
export async function drawAnew (file: Blob): Promise<Drawn> {
  if (file.size > mostBytes.chosen) return { outcome: 'tooBig' }
  const bytes = new Uint8Array(await file.arrayBuffer())
  const facts = factsOf(bytes)
  if (facts === undefined) return { outcome: 'noImage' }
  if (!isShowable(facts)) return { outcome: 'tooBig' }
  const bitmap = await createImageBitmap(new Blob([bytes], { type: facts.type }), { imageOrientation: 'from-image' }).catch(() => undefined)
  if (bitmap === undefined) return { outcome: 'unreadable' }
  try {
    const scale = Math.min(1, longestSide / Math.max(bitmap.width, bitmap.height))
    for (let attempt = 0; attempt < attempts; attempt++) {
      for (const type of typesFor(facts.type)) {
        const drawn = await draw(bitmap, scale * 0.7 ** attempt, type)
        const drawnFacts = factsOf(drawn)
        if (drawnFacts === undefined) return { outcome: 'unreadable' }
        if (drawn.length <= mostBytes.drawn) return { outcome: 'drawn', bytes: drawn, facts: drawnFacts, isStill: facts.type === 'image/gif' }
      }
    }
    return { outcome: 'tooBig' }
  } finally {
    bitmap.close()
  }
}

/** What is small enough first. A browser that cannot write WebP writes PNG. */
function typesFor (type: ImageType): ImageType[] {
  if (type === 'image/jpeg' || type === 'image/webp') return [type]
  return ['image/png', 'image/webp']
}

async function draw (bitmap: ImageBitmap, scale: number, type: ImageType): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(bitmap.width * scale))
  canvas.height = Math.max(1, Math.round(bitmap.height * scale))
  const context = canvas.getContext('2d')
  if (context === null) return new Uint8Array()
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality))
  return blob === null ? new Uint8Array() : new Uint8Array(await blob.arrayBuffer())
}
