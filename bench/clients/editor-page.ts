// The page of `EditorInBrowser`: ProseMirror with `y-prosemirror`, as an application has it, on one client or the other.
import { Schema, type Node } from 'prosemirror-model'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { ySyncPlugin } from 'y-prosemirror'
import { fragmentName, type ClientName } from './client.ts'
import * as ours from './ours.ts'
import * as published from './published.ts'

const schema = new Schema({
  nodes: {
    doc: { content: 'paragraph+' },
    paragraph: { content: 'text*', toDOM: () => ['p', 0] },
    text: {}
  }
})

export interface EditorLoad {
  client: ClientName
  url: string
  documentId: string
  /** Characters. */
  length: number
}

const opens = { ours: ours.open, published: published.open }

/** Milliseconds from opening the document until the editor shows so many characters. */
async function load ({ client, url, documentId, length }: EditorLoad): Promise<number> {
  const start = performance.now()
  const { yDoc, end } = opens[client](url, documentId)
  const state = EditorState.create({ schema, plugins: [ySyncPlugin(yDoc.getXmlFragment(fragmentName))] })
  await new Promise<void>((resolve) => {
    show(state, ({ content }) => {
      // The paragraph has a beginning and an end.
      if (content.size >= length + 2) resolve()
    })
  })
  const milliseconds = performance.now() - start
  end()
  return milliseconds
}

function show (state: EditorState, onChange: (doc: Node) => void): EditorView {
  return new EditorView(document.body, {
    state,
    dispatchTransaction (this: EditorView, transaction) {
      this.updateState(this.state.apply(transaction))
      onChange(this.state.doc)
    }
  })
}

Object.assign(globalThis, { load })
