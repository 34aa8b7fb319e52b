import { DOMSerializer, type DOMOutputSpec, type Node } from 'prosemirror-model'
import { schema } from './schema.ts'

/** Writes a document as HTML, with images as whoever calls wants them. */
export function serializerWith (image: (node: Node) => DOMOutputSpec): DOMSerializer {
  return new DOMSerializer({ ...DOMSerializer.nodesFromSchema(schema), image }, DOMSerializer.marksFromSchema(schema))
}
