import * as Automerge from '@automerge/automerge'
import type { Contents, Crdt } from './crdt.ts'

type Unsubscribe = () => void

/** Holds an Automerge document, which is a new value after each change. */
export class AutomergeHandle<T> {
  #doc: Automerge.Doc<T>
  readonly #onDoc = new Set<() => void>()
  readonly #onChange = new Set<(change: Uint8Array) => void>()

  constructor (doc: Automerge.Doc<T> = Automerge.init<T>()) {
    this.#doc = doc
  }

  /** The current value. Bound, for `useSyncExternalStore`. */
  readonly getDoc = (): Automerge.Doc<T> => this.#doc

  /** Calls the listener whenever there is a new value, by whomever. Bound, for `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): Unsubscribe => subscribeTo(this.#onDoc, listener)

  /** Changes the document, as `Automerge.change` does. */
  change (change: Automerge.ChangeFn<T>): void {
    this.set(Automerge.change(this.#doc, change))
  }

  /** Takes a value that was made of the current one with functions of Automerge. */
  set (doc: Automerge.Doc<T>): void {
    const changes = Automerge.getChanges(this.#doc, doc)
    this.#take(doc)
    for (const change of changes) {
      for (const listener of this.#onChange) listener(change)
    }
  }

  /** Takes what others wrote. */
  merge ({ snapshot, changes }: Contents): void {
    let doc = this.#doc
    try {
      if (snapshot !== undefined) doc = Automerge.merge(doc, Automerge.load<T>(snapshot))
      if (changes.length > 0) doc = Automerge.applyChanges(doc, changes)[0]
    } finally {
      // Also when the changes are none: after `merge` the value before can no longer be changed.
      this.#take(doc)
    }
  }

  /** Calls the listener for each change of `change` and `set`. */
  onChange (listener: (change: Uint8Array) => void): Unsubscribe {
    return subscribeTo(this.#onChange, listener)
  }

  #take (doc: Automerge.Doc<T>): void {
    this.#doc = doc
    for (const listener of this.#onDoc) listener()
  }
}

/**
 * An Automerge document for `openDocument`. Contents are what `Automerge.save` and `Automerge.getChanges` give, as
 * `secsync-react-automerge` sends and reads them.
 *
 * ```ts
 * const handle = new AutomergeHandle<{ text: string }>()
 * openDocument({ crdt: automerge(handle), … })
 * handle.change((doc) => { doc.text = 'Hello' })
 * ```
 */
export function automerge<T> (handle: AutomergeHandle<T>): Crdt {
  return {
    encodeSnapshot: () => Automerge.save(handle.getDoc()),
    apply: (contents) => handle.merge(contents),
    subscribe: (listener) => handle.onChange(listener),
    changesSince: ({ snapshot, changes }) => {
      const other = new AutomergeHandle<T>(snapshot === undefined ? Automerge.init() : Automerge.load(snapshot))
      other.merge({ changes })
      const known = new Set(Automerge.getAllChanges(other.getDoc()).map(hashOf))
      return Automerge.getAllChanges(handle.getDoc()).filter((change) => !known.has(hashOf(change)))
    },
    restore (content) {
      const doc = handle.getDoc()
      const patches = Automerge.diff(doc, Automerge.getHeads(doc), Automerge.getHeads(Automerge.load<T>(content)))
      if (patches.length === 0) return
      handle.change((draft) => {
        for (const patch of patches) applyPatch(draft, patch)
      })
    }
  }
}

/** The value of a version, for looking at it: `await document.history.open(snapshotId)`. */
export function automergeDocOf<T> ({ content }: { content: Uint8Array }): Automerge.Doc<T> {
  return Automerge.load<T>(content)
}

function applyPatch (draft: unknown, patch: Automerge.Patch): void {
  const key = patch.path.at(-1)
  if (patch.action !== 'del' || typeof key !== 'string') return Automerge.applyPatch(draft, patch)
  // Automerge.applyPatch deletes in lists and texts only.
  let parent = draft as Record<Automerge.Prop, unknown>
  for (const step of patch.path.slice(0, -1)) parent = parent[step] as typeof parent
  delete parent[key]
}

function hashOf (change: Automerge.Change): string {
  return Automerge.decodeChange(change).hash
}

function subscribeTo<T> (listeners: Set<T>, listener: T): Unsubscribe {
  listeners.add(listener)
  return () => { listeners.delete(listener) }
}
