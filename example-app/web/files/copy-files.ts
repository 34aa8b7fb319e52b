import * as Y from 'yjs'
import { newFile, readFile } from './files.ts'
import { imageOf } from './image-attributes.ts'

/**
 * Gives the images of a copied document files of their own, which belong to it: each is read, and encrypted anew. One that cannot be read stays
 * without a file, with its description. Rejects if this device cannot keep them.
 */
export async function copyFiles (doc: Y.Doc, from: string, to: string): Promise<void> {
  const copies = new Map<string, { fileId: string, key: string } | undefined>()
  for (const element of imagesIn(doc)) {
    const image = imageOf(element.getAttributes())
    if (image === undefined) continue
    if (!copies.has(image.file)) {
      const read = await readFile({ documentId: from, fileId: image.file }, image.key)
      copies.set(image.file, read.outcome === 'read' ? await newFile(to, read.bytes) : undefined)
    }
    const copy = copies.get(image.file)
    if (copy === undefined) continue
    element.setAttribute('file', copy.fileId)
    element.setAttribute('key', copy.key)
  }
}

function imagesIn (doc: Y.Doc): Y.XmlElement[] {
  const parts = doc.getXmlFragment('body').createTreeWalker((part) => part instanceof Y.XmlElement && part.nodeName === 'image')
  return [...parts].filter((part) => part instanceof Y.XmlElement)
}
