import type * as Y from 'yjs'
import { Signal } from '../ui/signal.ts'
import { createId, openComment, sign, type Comment, type Place } from './comment.ts'
import { makeCommentKeys } from './keys.ts'

/** A comment on a place in the text, and the answers to it. */
export interface Conversation {
  id: string
  place: Place
  /** The first one, and the answers in the order of their times. */
  comments: [Comment, ...Comment[]]
  isResolved: boolean
}

/** Of a document, the newest. */
const most = 1000
/** Signatures that are checked before the page may do something else. */
const atOnce = 5

/** What the comments of a document are kept in: themselves, and the ids of conversations that are resolved. */
export function commentMaps (doc: Y.Doc): [Y.Map<unknown>, Y.Map<unknown>] {
  return [doc.getMap('comments'), doc.getMap('resolved-comments')]
}

/** The comments of a document. */
export class Comments {
  readonly conversations = new Signal<Conversation[]>([])
  /** What somebody is about to write a comment on. */
  readonly draft = new Signal<Place | undefined>(undefined)
  /** The id of the conversation that somebody looks at. */
  readonly shown = new Signal<string | undefined>(undefined)
  /** The ids of those whose text is there, in its order. */
  readonly inText = new Signal<string[]>([])
  readonly #documentId: string
  readonly #doc: Y.Doc
  readonly #maps: [Y.Map<unknown>, Y.Map<unknown>]
  readonly #map: Y.Map<unknown>
  readonly #resolved: Y.Map<unknown>
  /** By what is in the document. A comment there never changes. */
  readonly #opened = new WeakMap<object, Comment | undefined>()
  #reading: Promise<void> | undefined
  #isStale = false

  constructor (doc: Y.Doc, documentId: string) {
    this.#doc = doc
    this.#documentId = documentId
    this.#maps = commentMaps(doc)
    ;[this.#map, this.#resolved] = this.#maps
    for (const map of this.#maps) map.observe(this.#changed)
    this.#changed()
  }

  /** Of their authors. */
  get publicKeys (): Set<string> {
    return new Set(this.conversations.get().flatMap(({ comments }) => comments.map(({ publicKey }) => publicKey)))
  }

  /** `introduce` tells the server whose the key is, before others see it. */
  async add (text: string, about: { place: Place } | { answers: string }, introduce: (publicKey: string) => Promise<void>): Promise<string> {
    const keys = await makeCommentKeys()
    await introduce(keys.publicKey)
    const comment: Comment = { id: createId(), ...about, text, at: Date.now(), publicKey: keys.publicKey }
    this.#map.set(comment.id, sign(comment, this.#documentId, keys))
    await this.#reading
    return comment.id
  }

  /** The first of a conversation takes the answers with it. */
  remove (id: string): void {
    this.#doc.transact(() => {
      const answers = this.conversations.get().find((conversation) => conversation.id === id)?.comments ?? []
      for (const { id: answer } of answers) this.#map.delete(answer)
      this.#map.delete(id)
      this.#resolved.delete(id)
    })
  }

  resolve (id: string, isResolved: boolean): void {
    if (isResolved) this.#resolved.set(id, true)
    else this.#resolved.delete(id)
  }

  /** Runs `work`, which makes the document as it was in another version. The comments stay as they are. */
  keepDuring (work: () => void): void {
    const before = this.#maps.map((map) => new Map(map.entries()))
    this.#doc.transact(() => {
      work()
      for (const [index, map] of this.#maps.entries()) {
        const kept = before[index] ?? new Map<string, unknown>()
        for (const id of map.keys()) if (!kept.has(id)) map.delete(id)
        for (const [id, value] of kept) if (!map.has(id)) map.set(id, value)
      }
    })
  }

  close (): void {
    for (const map of this.#maps) map.unobserve(this.#changed)
  }

  readonly #changed = () => {
    this.#isStale = true
    this.#reading ??= this.#read().finally(() => { this.#reading = undefined })
  }

  async #read (): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false
      const comments: Comment[] = []
      let checked = 0
      for (const [id, value] of newest(this.#map)) {
        if (!this.#opened.has(value)) {
          if (++checked % atOnce === 0) await new Promise((resolve) => setTimeout(resolve))
          this.#opened.set(value, openComment(id, value, this.#documentId))
        }
        const comment = this.#opened.get(value)
        // The value of one comment under the id of another has no right signature there.
        if (comment?.id === id) comments.push(comment)
      }
      this.conversations.set(conversationsOf(comments, (id) => this.#resolved.get(id) === true))
    }
  }
}

/** As many as are shown, whatever is in the document. */
function newest (map: Y.Map<unknown>): Array<[string, object]> {
  const timeOf = (value: object) => 'at' in value && typeof value.at === 'number' ? value.at : 0
  return [...map.entries()].filter((entry): entry is [string, object] => typeof entry[1] === 'object' && entry[1] !== null)
    .sort(([, one], [, other]) => timeOf(other) - timeOf(one)).slice(0, most)
}

export function conversationsOf (comments: Comment[], isResolved: (id: string) => boolean): Conversation[] {
  const conversations = new Map<string, Conversation>()
  const inOrder = comments.toSorted((one, other) => one.at - other.at)
  for (const comment of inOrder) {
    const { id, place } = comment
    if (place !== undefined) conversations.set(id, { id, place, comments: [comment], isResolved: isResolved(id) })
  }
  // Clocks differ: an answer may be from before the first one.
  for (const comment of inOrder) conversations.get(comment.answers ?? '')?.comments.push(comment)
  return [...conversations.values()]
}
