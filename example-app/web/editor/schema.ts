import { Schema, type MarkSpec, type NodeSpec } from 'prosemirror-model'
import { marks, nodes } from 'prosemirror-schema-basic'
import { bulletList, listItem, orderedList } from 'prosemirror-schema-list'

const list = { content: 'list_item+', group: 'block' } satisfies NodeSpec

const strike: MarkSpec = {
  parseDOM: [{ tag: 's' }, { tag: 'del' }, { style: 'text-decoration=line-through' }],
  toDOM: () => ['s', 0]
}

/** Three levels, whatever a document says: HTML has no seventh. */
const heading: NodeSpec = {
  ...nodes.heading,
  parseDOM: [1, 2, 3, 4, 5, 6].map((level) => ({ tag: `h${level}`, attrs: { level: Math.min(level, 3) } })),
  toDOM: ({ attrs: { level } }) => [`h${level === 1 || level === 2 ? level : 3}`, 0]
}

/** Stands where a part of the document is not shown: `reading.ts`. Nothing makes one. */
const leftOut: NodeSpec = {
  group: 'block',
  atom: true,
  selectable: false,
  toDOM: () => ['div', { class: 'left-out', contenteditable: 'false' }, 'A part of the document that cannot be shown here']
}

/** Text, and no images or links: nothing in a document makes a reader's browser ask another server for anything. */
export const schema = new Schema({
  nodes: {
    doc: nodes.doc,
    paragraph: nodes.paragraph,
    heading,
    blockquote: nodes.blockquote,
    code_block: nodes.code_block,
    horizontal_rule: nodes.horizontal_rule,
    bullet_list: { ...bulletList, ...list },
    ordered_list: { ...orderedList, ...list },
    list_item: { ...listItem, content: 'paragraph block*' },
    hard_break: nodes.hard_break,
    left_out: leftOut,
    text: nodes.text
  },
  marks: { strong: marks.strong, em: marks.em, strike, code: marks.code }
})
