import type { Mark, Node } from 'prosemirror-model'
import type { ProsemirrorBinding } from 'y-prosemirror'
import * as Y from 'yjs'
import { imageOf } from '../files/image-attributes.ts'
import { schema } from './schema.ts'

// What is in a document may come from any program with the document's key, and from later versions of this app. y-prosemirror calls itself for
// each level, and deletes what does not fit the schema. So parts that are nested too deeply, or unknown, are not for it: something else stands in
// their place in the editor. They stay in the document.

/** Levels of nodes. More than anybody writes. */
export const deepest = 32

type Part = Parameters<ProsemirrorBinding['mapping']['get']>[0]

/** Columns or rows that one cell may take. */
const widest = 50

const leftOut = schema.node('left_out')

/** The nodes of the editor by what they show of the document, as y-prosemirror keeps them: a `mapping` for its plugin. */
export class Reading extends Map<Part, Node | Node[]> {
  /** Whether something was left out since the document was opened. */
  hasLeftOut = false

  /** y-prosemirror makes what is not there itself. */
  override get (part: Part): Node | Node[] | undefined {
    const known = super.get(part)
    if (known !== undefined || !(part instanceof Y.XmlElement) || part.doc === null || isUsual(part)) return known
    return this.#read(part, depthOf(part))
  }

  /** The whole of a document. */
  document (body: Y.XmlFragment): Node {
    const parts = body.toArray().flatMap((part) => part instanceof Y.XmlElement ? this.#read(part, 1) ?? [] : [])
    return schema.topNodeType.createAndFill(null, parts) ?? schema.node('doc', null, [leftOut])
  }

  #read (part: Y.XmlElement, depth: number): Node | undefined {
    const known = super.get(part)
    if (known !== undefined && !Array.isArray(known)) return known
    const node = this.#make(part, depth)
    if (node === undefined && isUsual(part) && isBlank(part)) return remove(part)
    this.set(part, node ?? leftOut)
    this.hasLeftOut ||= node === undefined
    return node ?? leftOut
  }

  /** Undefined if it cannot be shown. */
  #make (part: Y.XmlElement, depth: number): Node | undefined {
    const type = schema.nodes[part.nodeName]
    if (type === undefined || depth > deepest || !isKnown(part)) return undefined
    const children = part.toArray().flatMap((child) => child instanceof Y.XmlElement ? this.#read(child, depth + 1) ?? [] : textIn(child))
    try {
      return type.createChecked(part.getAttributes(), children)
    } catch {
      return undefined
    }
  }
}

/** Whether something of this document is not shown. */
export function countLeftOut (doc: Node): number {
  let count = 0
  doc.descendants(({ type, isTextblock }) => {
    if (type === schema.nodes.left_out) count++
    return !isTextblock
  })
  return count
}

function textIn (part: Y.XmlText | Y.XmlHook): Node[] {
  if (!(part instanceof Y.XmlText)) return []
  const pieces: Array<{ insert: unknown, attributes?: Record<string, unknown> }> = part.toDelta()
  return pieces.flatMap(({ insert, attributes = {} }) => typeof insert === 'string' && insert !== '' ? schema.text(insert, marksIn(attributes)) : [])
}

function marksIn (attributes: Record<string, unknown>): Mark[] {
  return Object.entries(attributes).flatMap(([name, attrs]) => {
    const type = schema.marks[name]
    return type === undefined ? [] : type.create(typeof attrs === 'object' ? attrs : null)
  })
}

/** Known, and not too deep. Looked at one by one: a call for each level is what must not be. */
function isUsual (part: Y.XmlElement): boolean {
  return everyPart(part, (inside, depth) => depth <= deepest && (!(inside instanceof Y.XmlElement) || isKnown(inside)))
}

function isKnown (part: Y.XmlElement): boolean {
  if (part.nodeName === 'image') return imageOf(part.getAttributes()) !== undefined
  return schema.nodes[part.nodeName] !== undefined && hasUsualSpan(part)
}

/** A cell over a million columns would take the memory of a million cells. */
function hasUsualSpan (part: Y.XmlElement): boolean {
  const { colspan = 1, rowspan = 1, colwidth }: Record<string, unknown> = part.getAttributes()
  return [colspan, rowspan].every((span) => Number.isInteger(span) && Number(span) > 0 && Number(span) <= widest) &&
    (colwidth === undefined || (Array.isArray(colwidth) && colwidth.length === colspan && colwidth.every(Number.isFinite)))
}

/** What is left of a list when two people took its last two items out of it, for instance. */
function isBlank (part: Y.XmlElement): boolean {
  return everyPart(part, (inside) => inside instanceof Y.XmlElement || inside.length === 0)
}

function everyPart (part: Y.XmlElement, isRight: (inside: Y.XmlElement | Y.XmlText, depth: number) => boolean): boolean {
  const waiting: Array<[Y.XmlElement | Y.XmlText, number]> = [[part, depthOf(part)]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [inside, depth] = next
    if (!isRight(inside, depth)) return false
    if (!(inside instanceof Y.XmlElement)) continue
    for (const child of inside.toArray()) if (!(child instanceof Y.XmlHook)) waiting.push([child, depth + 1])
  }
  return true
}

function depthOf (part: Y.XmlElement): number {
  let depth = 0
  for (let at: unknown = part; at instanceof Y.XmlElement && depth <= deepest; at = at.parent) depth++
  return depth
}

function remove (part: Y.XmlElement): undefined {
  const { parent } = part
  if (!(parent instanceof Y.XmlFragment)) return
  const place = parent.toArray().indexOf(part)
  if (place !== -1) parent.delete(place, 1)
}
