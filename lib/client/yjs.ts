import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { connectAwareness } from './awareness.ts'
import type { Contents, Crdt } from './crdt.ts'

export interface YjsOptions {
  /** Cursors, names and other presence. The `Awareness` of the document, which is usually also given to the editor. @type `Awareness` */
  awareness?: Awareness | undefined
  /**
   * Returns whether the state of another client is accepted. Such a state comes from another browser and has any shape: check it before you use it.
   * `user.publicKey` in it is its author. A message with a refused state is left out. @type function @default all are accepted
   */
  isValidState?: ((state: Record<string, unknown>) => boolean) | undefined
}

/**
 * A Yjs document for `openDocument`. Contents are Yjs updates of version 2, as `secsync-react-yjs` sends and reads them.
 *
 * ```ts
 * const yDoc = new Y.Doc()
 * openDocument({ crdt: yjs(yDoc, { awareness: new Awareness(yDoc) }), … })
 * ```
 */
export function yjs (doc: Y.Doc, { awareness, isValidState }: YjsOptions = {}): Crdt {
  /** The origin of transactions with what others wrote. Not a text: an application may use any. */
  const remote = { name: 'fastify-secsync' }

  return {
    encodeSnapshot: () => Y.encodeStateAsUpdateV2(doc),

    apply: (contents) => applyTo(doc, contents, remote),

    subscribe (listener) {
      const onUpdate = (update: Uint8Array, origin: unknown) => {
        if (origin !== remote) listener(update)
      }
      doc.on('updateV2', onUpdate)
      return () => doc.off('updateV2', onUpdate)
    },

    changesSince (contents) {
      if (isEmpty(doc)) return []
      // A document that has the contents tells what is new to it: also deletions, of which Yjs otherwise always gives all.
      const other = new Y.Doc({ gc: doc.gc })
      applyTo(other, contents, remote)
      const changes: Uint8Array[] = []
      other.on('updateV2', (update: Uint8Array) => changes.push(update))
      Y.applyUpdateV2(other, Y.encodeStateAsUpdateV2(doc, Y.encodeStateVector(other)))
      other.destroy()
      return changes
    },

    mergeChanges: mergeAll,

    restore: (content) => restoreIn(doc, content),

    ...awareness && { connectPresence: (presence) => connectAwareness(awareness, presence, { isValidState }) }
  }
}

/** The document of a version, for looking at it: `await document.history.open(snapshotId)`. */
export function yDocOf ({ content }: { content: Uint8Array }): Y.Doc {
  const doc = new Y.Doc()
  Y.applyUpdateV2(doc, content)
  return doc
}

/**
 * Yjs merges an old state into a newer one and changes nothing by it. So all that was written since then is applied to the old document as one transaction,
 * and undone there: what was inserted is deleted, and what was deleted is inserted again, at its place.
 */
function restoreIn (doc: Y.Doc, content: Uint8Array): void {
  const old = new Y.Doc()
  Y.applyUpdateV2(old, content)
  // Of any class: it tells the UndoManager what has changed, which the base class does not.
  const types = [...new Set([...doc.share.keys(), ...old.share.keys()])].map((name) => old.get(name, Y.Map))
  if (types.length === 0) return
  const since = { name: 'since' }
  const undoManager = new Y.UndoManager(types, { trackedOrigins: new Set([since]) })
  Y.applyUpdateV2(old, Y.encodeStateAsUpdateV2(doc, Y.encodeStateVector(old)), since)
  undoManager.undo()
  Y.applyUpdateV2(doc, Y.encodeStateAsUpdateV2(old, Y.encodeStateVector(doc)), { name: 'restore' })
  old.destroy()
}

function isEmpty (doc: Y.Doc): boolean {
  return doc.store.clients.size === 0 && doc.store.pendingStructs === null && doc.store.pendingDs === null
}

/** In one transaction: observers run once, and updates that follow each other are not merged one by one. */
function applyTo (doc: Y.Doc, { snapshot, changes }: Contents, origin: unknown): void {
  Y.transact(doc, () => {
    if (snapshot !== undefined) Y.applyUpdateV2(doc, snapshot)
    for (const change of changes) Y.applyUpdateV2(doc, change)
  }, origin, false)
}

/** Yjs sorts the updates that it merges again for each item, so that few at a time are faster than thousands. */
const mergedAtOnce = 32

function mergeAll (changes: Uint8Array[]): Uint8Array[] {
  let merged = changes
  while (merged.length > 1) {
    const groups: Uint8Array[] = []
    for (let from = 0; from < merged.length; from += mergedAtOnce) groups.push(Y.mergeUpdatesV2(merged.slice(from, from + mergedAtOnce)))
    merged = groups
  }
  return merged
}
