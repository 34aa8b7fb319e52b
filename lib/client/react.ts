import { useEffect, useRef, useState, useSyncExternalStore, type DependencyList } from 'react'
import type { SecsyncDocument } from './client.ts'
import type { DocumentState } from './state.ts'

export interface UsedDocument {
  /** `undefined` in the first render, on a server, and while `open` gives none. */
  document: SecsyncDocument | undefined
  state: DocumentState
}

/**
 * Opens a document as long as the component is there, and another one when `deps` change.
 *
 * ```tsx
 * const yDoc = useMemo(() => new Y.Doc(), [documentId])
 * const { document, state } = useDocument(() => openDocument({ documentId, crdt: yjs(yDoc), … }), [documentId, yDoc])
 * ```
 *
 * @param open Returns a new document, or `undefined` if there is nothing to open yet. Called in an effect: never on a server, once in StrictMode.
 * @param deps All that `open` depends on, as for `useEffect`.
 */
export function useDocument (open: () => SecsyncDocument | undefined, deps: DependencyList): UsedDocument {
  const latest = useRef<Opened | undefined>(undefined)
  const [opened, setOpened] = useState<Opened>()

  useEffect(() => {
    const before = latest.current
    const current = before !== undefined && isSame(before.deps, deps) ? before : { document: open(), deps, end: undefined }
    clearTimeout(current.end)
    latest.current = current
    setOpened(current)
    return () => {
      // StrictMode and fast refresh end an effect and begin it again at once: the document stays open.
      current.end = setTimeout(() => {
        if (latest.current === current) latest.current = undefined
        void current.document?.destroy()
      })
    }
  }, deps)

  // The render in which deps change comes before the effect that opens the next document.
  const document = opened !== undefined && isSame(opened.deps, deps) ? opened.document : undefined
  const state = useSyncExternalStore(document?.subscribe ?? subscribeToNothing, document?.getState ?? getClosedState, getClosedState)
  return { document, state }
}

/** The state of a document that was opened elsewhere. */
export function useDocumentState (document: SecsyncDocument): DocumentState {
  return useSyncExternalStore(document.subscribe, document.getState, document.getState)
}

interface Opened {
  readonly document: SecsyncDocument | undefined
  readonly deps: DependencyList
  end: ReturnType<typeof setTimeout> | undefined
}

const closedState: DocumentState = {
  connection: { status: 'connecting' },
  loaded: 'no',
  snapshot: undefined,
  pending: 0,
  hasUnsavedChanges: false,
  storage: 'memory',
  locked: 0,
  refused: { invalidClient: 0, broken: 0 },
  isFull: false
}

function getClosedState (): DocumentState {
  return closedState
}

function subscribeToNothing (): () => void {
  return () => {}
}

function isSame (a: DependencyList, b: DependencyList): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]))
}
