import mammoth from 'mammoth'
import { DOMParser as NodeParser, type Node } from 'prosemirror-model'
import { schema } from './schema.ts'

/** A document of Word. What the schema does not know, like colours and text boxes, is left out. */
export async function parseDocx (arrayBuffer: ArrayBuffer): Promise<Node> {
  const { value } = await mammoth.convertToHtml({ arrayBuffer }, {
    styleMap: ["p[style-name='Title'] => h1:fresh"],
    convertImage: mammoth.images.imgElement(async () => ({ src: '' }))
  })
  // Nothing of this page is loaded or run: it is never shown.
  const page = new DOMParser().parseFromString(value, 'text/html')
  return NodeParser.fromSchema(schema).parse(page.body)
}
