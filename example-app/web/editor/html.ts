import type { Node } from 'prosemirror-model'
import { imageOf, type ImageAttributes } from '../files/image-attributes.ts'
import { schema } from './schema.ts'
import { inText } from './image-node.ts'
import { serializerWith } from './serializer.ts'

/** A page that shows a document, and loads nothing: its images are in it. `missing` is the number of those that could not be read. */
export async function writeHtml (title: string, doc: Node, read: (image: ImageAttributes) => Promise<unknown>): Promise<{ html: string, missing: number }> {
  const addresses = new Map<string, string>()
  let missing = 0
  for (const image of imagesIn(doc)) {
    const blob = await read(image)
    if (blob instanceof Blob) addresses.set(image.file, await dataAddress(blob))
    else missing++
  }
  const page = document.implementation.createHTMLDocument(title)
  const charset = page.createElement('meta')
  charset.setAttribute('charset', 'utf-8')
  page.head.prepend(charset)
  const heading = page.createElement('h1')
  heading.textContent = title
  const serializer = serializerWith(({ attrs: { file, alt, width, height } }) => {
    const src = addresses.get(file)
    return src === undefined ? ['p', inText(alt)] : ['p', ['img', { src, alt, width, height }]]
  })
  page.body.append(heading, serializer.serializeFragment(doc.content, { document: page }))
  // Not as an element: this page may have no styles of its own.
  const head = addresses.size === 0 ? '</head>' : '<style>img { max-width: 100%; height: auto }</style></head>'
  return { html: `<!doctype html>\n${page.documentElement.outerHTML.replace('</head>', head)}\n`, missing }
}

function imagesIn (doc: Node): ImageAttributes[] {
  const found = new Map<string, ImageAttributes>()
  doc.descendants(({ type, attrs }) => {
    const image = type === schema.nodes.image ? imageOf(attrs) : undefined
    if (image !== undefined) found.set(image.file, image)
  })
  return [...found.values()]
}

function dataAddress (blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error ?? new Error('The image cannot be read'))
    reader.readAsDataURL(blob)
  })
}
