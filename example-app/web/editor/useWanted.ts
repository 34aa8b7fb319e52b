import type { EditorView } from 'prosemirror-view'
import { useEffect, useRef } from 'react'

/** Does what a command of the editor asks its page for: `name` is that of an event of the editor's element. */
export function useWanted (view: EditorView | undefined, name: string, act: (view: EditorView) => void): void {
  const latest = useRef(act)
  latest.current = act
  useEffect(() => {
    if (view === undefined) return
    const listener = () => latest.current(view)
    view.dom.addEventListener(name, listener)
    return () => view.dom.removeEventListener(name, listener)
  }, [view, name])
}
