import type { EditorView } from 'prosemirror-view'
import { mayWrite } from '../api.ts'
import { forgetFile } from '../device/files.ts'
import { drawAnew } from '../files/draw.ts'
import { newFile, readFile, sendFiles } from '../files/files.ts'
import type { ImageAttributes } from '../files/image-attributes.ts'
import type { ImageFacts } from '../files/image-type.ts'
import { sendInBackground } from '../sync/background.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { insertImage, removeImages } from './image-commands.ts'
import type { EditorNote, SayNote } from './note.ts'
import { texts } from '../words/index.ts'

export interface Place {
  view: EditorView
  open: OpenDocument
  say: SayNote
}

/** Draws images anew, encrypts them, puts them into the text, and sends them when there is a connection. Says what becomes of them. */
export async function putIn (place: Place, files: Blob[], at?: number): Promise<void> {
  const { say } = place
  say({ text: texts().images.adding })
  let position = at
  for (const file of files) {
    const drawn = await drawAnew(file)
    if (drawn.outcome !== 'drawn') return say({ text: texts().images.refused[drawn.outcome], isBad: true })
    const fileId = await insert(place, drawn, position)
    if (fileId === undefined) return
    // The next one comes behind it.
    position = undefined
    say(await sendNow(place.open, fileId, drawn.isStill ? texts().images.addedStill : texts().images.added))
  }
}

async function insert ({ view, open, say }: Place, { bytes, facts }: { bytes: Uint8Array, facts: ImageFacts }, at?: number): Promise<string | undefined> {
  const made = await newFile(open.id, bytes).catch(() => undefined)
  if (made === undefined) {
    say({ text: texts().images.notKept, isBad: true })
    return undefined
  }
  if (view.isDestroyed || !view.editable || !mayWrite(open.role.get())) {
    await forgetFile({ documentId: open.id, fileId: made.fileId })
    return undefined
  }
  // Undo takes back the image, and not the words before it.
  open.undo.stopCapturing()
  insertImage(view, { file: made.fileId, key: made.key, ...facts, alt: '' }, at)
  open.undo.stopCapturing()
  return made.fileId
}

/** A file belongs to one document. So this one gets a copy, encrypted with a key of its own, for an image that was pasted from another one. */
export async function copyIn ({ view, open, say }: Place, documentId: string, image: ImageAttributes, copy: ImageAttributes): Promise<void> {
  const read = await readFile({ documentId, fileId: image.file }, image.key)
  const made = read.outcome === 'read' && await newFile(open.id, read.bytes, { fileId: copy.file, key: copy.key }).catch(() => false)
  if (made !== false) return say(await sendNow(open, copy.file, texts().images.copied))
  if (!view.isDestroyed) removeImages(view, copy.file)
  say({ text: texts().images.notCopied, isBad: true })
}

async function sendNow ({ id, connection }: OpenDocument, fileId: string, done: string): Promise<EditorNote> {
  const sent = connection.getState().connection.status === 'live' ? await sendFiles(id, { fileId }) : 'unreachable'
  if (sent === 'sent') return { text: done }
  void sendInBackground()
  if (sent === 'unreachable') return { text: texts().images.kept }
  return { text: `${texts().images.notTaken[sent]} ${texts().images.onlyHere}`, isBad: true }
}
