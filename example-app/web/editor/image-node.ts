import type { NodeSpec } from 'prosemirror-model'
import { imageOf } from '../files/image-attributes.ts'
import { texts } from '../words/index.ts'

/** Stands in the HTML of the clipboard, as JSON: the attributes, and the document that the file belongs to. Nobody else has the file. */
export const imageMark = 'data-sealed-image'

/** An encrypted file of the document. There is no address in it: an image of a page is not taken from there. */
export const image: NodeSpec = {
  group: 'block',
  atom: true,
  draggable: true,
  attrs: { file: {}, key: {}, type: {}, width: {}, height: {}, alt: {} },
  parseDOM: [{ tag: `figure[${imageMark}]`, getAttrs: (element) => imageOf(markOf(element)) ?? false }],
  // Without the key. `shown-image.ts` shows it.
  toDOM: ({ attrs: { alt } }) => ['figure', { class: 'image' }, inText(alt)]
}

/** What stands for an image where there is only text. */
export function inText (alt: unknown): string {
  return typeof alt === 'string' && alt !== '' ? texts().images.inText(alt) : texts().images.inTextUnnamed
}

export function markOf (element: Element): Record<string, unknown> {
  try {
    const mark: unknown = JSON.parse(element.getAttribute(imageMark) ?? '')
    return typeof mark === 'object' && mark !== null ? { ...mark } : {}
  } catch {
    return {}
  }
}
