import { baseKeymap } from 'prosemirror-commands'
import { keymap } from 'prosemirror-keymap'
import { EditorState, Plugin } from 'prosemirror-state'
import { tableEditing } from 'prosemirror-tables'
import { Decoration, DecorationSet, EditorView } from 'prosemirror-view'
import { yCursorPlugin, ySyncPlugin, ySyncPluginKey, yUndoPlugin } from 'y-prosemirror'
import { commentMarks } from '../comments/plugin.ts'
import { colorNumber } from '../sync/colors.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import type { PresenceState } from '../sync/presence.ts'
import { CheckItemView } from './check-item.ts'
import { keys } from './commands.ts'
import { clipboard } from './clipboard.ts'
import { images } from './images.ts'
import type { SayNote } from './note.ts'
import { ownCursor } from './own-cursor.ts'
import { countLeftOut, Reading } from './reading.ts'
import { typingRules } from './typing-rules.ts'
import { texts } from '../words/index.ts'

/** The editor on a document. `isWritable` is asked at every try, since a role may change at any time. `say` shows words beside the text. */
export function createEditor (place: HTMLElement, open: OpenDocument, isWritable: () => boolean, say: SayNote): EditorView {
  const reading = new Reading()
  return new EditorView({ mount: place }, {
    state: EditorState.create({
      doc: reading.document(open.body),
      plugins: [
        ySyncPlugin(open.body, { mapping: reading }),
        keepLeftOut(reading, open),
        ownCursor(open),
        cursors(open),
        yUndoPlugin({ undoManager: open.undo }),
        typingRules(),
        keymap(keys),
        keymap(baseKeymap),
        images(open, say),
        clipboard(),
        tableEditing(),
        commentMarks(open),
        placeholder(texts().editor.placeholder)
      ]
    }),
    editable: isWritable,
    nodeViews: { check_item: (node, view, getPosition) => new CheckItemView(node, view, getPosition) },
    attributes: { 'aria-label': texts().editor.text, 'aria-multiline': 'true', role: 'textbox', class: 'prose' }
  })
}

/** What is not shown is not deleted by somebody who does not see it, and whoever has the document open is told. */
function keepLeftOut (reading: Reading, { hasLeftOut }: OpenDocument): Plugin {
  return new Plugin({
    filterTransaction: (transaction, { doc }) => !reading.hasLeftOut || !transaction.docChanged ||
      transaction.getMeta(ySyncPluginKey) !== undefined || countLeftOut(transaction.doc) >= countLeftOut(doc),
    view: (view) => {
      const look = ({ state: { doc } }: EditorView) => hasLeftOut.set(reading.hasLeftOut && countLeftOut(doc) > 0)
      look(view)
      return { update: look }
    }
  })
}

/** The cursors of others, once it is known whose they are. */
function cursors (open: OpenDocument): Plugin {
  return yCursorPlugin(open.presence, {
    awarenessStateFilter: (selfId: number, id: number, state: PresenceState) => id !== selfId && open.personOf(state) !== undefined,
    cursorBuilder: (user: PresenceState['user']) => cursor(open, user),
    selectionBuilder: (user: PresenceState['user']) => ({ class: `selection person-${colorNumber(open.personOf({ user })?.color)}` })
  })
}

// Classes instead of the style attributes that y-prosemirror would write, which the Content-Security-Policy forbids.
function cursor (open: OpenDocument, user: PresenceState['user']): HTMLElement {
  const person = open.personOf({ user })
  const line = document.createElement('span')
  line.className = `cursor person-${colorNumber(person?.color)}`
  const name = document.createElement('span')
  name.className = 'cursor-name'
  name.textContent = person?.name ?? ''
  // Word joiners keep the line from breaking at the cursor.
  line.append('\u2060', name, '\u2060')
  return line
}

function placeholder (text: string): Plugin {
  return new Plugin({
    props: {
      decorations: ({ doc }) => {
        const first = doc.firstChild
        if (doc.childCount > 1 || first === null || !first.isTextblock || first.content.size > 0) return null
        return DecorationSet.create(doc, [Decoration.node(0, first.nodeSize, { class: 'is-empty', 'data-placeholder': text })])
      }
    }
  })
}
