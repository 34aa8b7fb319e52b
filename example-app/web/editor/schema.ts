import { Schema, type MarkSpec, type NodeSpec } from 'prosemirror-model'
import { marks, nodes } from 'prosemirror-schema-basic'
import { bulletList, listItem, orderedList } from 'prosemirror-schema-list'

const list = { content: 'list_item+', group: 'block' } satisfies NodeSpec

const strike: MarkSpec = {
  parseDOM: [{ tag: 's' }, { tag: 'del' }, { style: 'text-decoration=line-through' }],
  toDOM: () => ['s', 0]
}

/** Text, and no images or links: nothing in a document makes a reader's browser ask another server for anything. */
export const schema = new Schema({
  nodes: {
    doc: nodes.doc,
    paragraph: nodes.paragraph,
    heading: nodes.heading,
    blockquote: nodes.blockquote,
    code_block: nodes.code_block,
    horizontal_rule: nodes.horizontal_rule,
    bullet_list: { ...bulletList, ...list },
    ordered_list: { ...orderedList, ...list },
    list_item: { ...listItem, content: 'paragraph block*' },
    hard_break: nodes.hard_break,
    text: nodes.text
  },
  marks: { strong: marks.strong, em: marks.em, strike, code: marks.code }
})
