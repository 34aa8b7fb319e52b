import { isKey } from '../crypto/base64.ts'

export const imageTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'] as const
export type ImageType = typeof imageTypes[number]

/** What the document says of an image. It may come from any program that has the document's key. */
export interface ImageAttributes {
  /** The id of the file, and the key that it is encrypted with: 32 bytes each, in base64. */
  file: string
  key: string
  type: ImageType
  /** Pixels. */
  width: number
  height: number
  /** For those who do not see it. May be empty. */
  alt: string
}

export const longestAlt = 1000
const longestSide = 16_384

/** Undefined if they are not those of an image. */
export function imageOf ({ file, key, type, width, height, alt }: Record<string, unknown>): ImageAttributes | undefined {
  const knownType = imageTypes.find((known) => known === type)
  if (typeof file !== 'string' || !isKey(file) || typeof key !== 'string' || !isKey(key) || knownType === undefined) return undefined
  if (!isSide(width) || !isSide(height) || typeof alt !== 'string' || alt.length > longestAlt) return undefined
  return { file, key, type: knownType, width, height, alt }
}

function isSide (value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= longestSide
}
