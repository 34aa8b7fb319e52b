import type { Node } from 'prosemirror-model'
import type { EditorView, NodeView } from 'prosemirror-view'
import { texts } from '../words/index.ts'

/** An item of a check list: a box to tick, and its text. */
export class CheckItemView implements NodeView {
  readonly dom = document.createElement('li')
  readonly contentDOM = document.createElement('div')
  readonly #box = document.createElement('input')
  #node: Node

  constructor (node: Node, view: EditorView, getPosition: () => number | undefined) {
    this.#node = node
    this.#box.type = 'checkbox'
    this.#box.contentEditable = 'false'
    this.#box.setAttribute('aria-label', texts().editor.done)
    // What is ticked comes from the document: it may not be writable.
    this.#box.addEventListener('click', (event) => {
      event.preventDefault()
      const position = getPosition()
      if (position === undefined || !view.editable) return
      view.dispatch(view.state.tr.setNodeAttribute(position, 'checked', this.#node.attrs.checked !== true))
    })
    this.dom.append(this.#box, this.contentDOM)
    this.#show()
  }

  update (node: Node): boolean {
    if (node.type !== this.#node.type) return false
    this.#node = node
    this.#show()
    return true
  }

  stopEvent (event: Event): boolean {
    return event.target === this.#box
  }

  ignoreMutation (mutation: { target: globalThis.Node }): boolean {
    return !this.contentDOM.contains(mutation.target)
  }

  #show (): void {
    const isChecked = this.#node.attrs.checked === true
    this.dom.dataset.checked = String(isChecked)
    // After the click that was prevented, in which the browser puts the old state back.
    queueMicrotask(() => { this.#box.checked = isChecked })
    this.#box.checked = isChecked
  }
}
