import { Fragment, Slice, type Node } from 'prosemirror-model'
import { NodeSelection, Plugin } from 'prosemirror-state'
import type { EditorView, NodeView } from 'prosemirror-view'
import { randomText } from '../crypto/base64.ts'
import { imageOf } from '../files/image-attributes.ts'
import { ShownImage, type ImageSource } from '../files/shown-image.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { descriptionWanted } from './image-commands.ts'
import { imageMark, inText, markOf } from './image-node.ts'
import type { SayNote } from './note.ts'
import { schema } from './schema.ts'
import { serializerWith } from './serializer.ts'
import { texts } from '../words/index.ts'

/** Images that are pasted or dropped, and images of other documents of this app: their files are copied. */
export function images (open: OpenDocument, say: SayNote): Plugin {
  /** Files that a paste has brought, with their documents. */
  const origins = new Map<string, string>()
  const failed = () => say({ text: texts().notDone, isBad: true })
  const put = (view: EditorView, files: File[], at?: number) => {
    void import('./put-in.ts').then(({ putIn }) => putIn({ view, open, say }, files, at)).catch(failed)
  }
  return new Plugin({
    props: {
      nodeViews: { image: (node) => viewOf(node, imageSource(open)) },
      clipboardSerializer: serializerWith(({ attrs }) => ['figure', { [imageMark]: JSON.stringify({ ...attrs, document: open.id }) }, inText(attrs.alt)]),
      handlePaste (view, { clipboardData }) {
        const files = imagesIn(clipboardData)
        if (files.length === 0 || saysMore(clipboardData?.getData('text/html') ?? '')) return false
        put(view, files)
        return true
      },
      handleDrop (view, event, _slice, moved) {
        const files = [...event.dataTransfer?.files ?? []]
        if (moved || files.length === 0) return false
        put(view, files, view.posAtCoords({ left: event.clientX, top: event.clientY })?.pos)
        // A file that is no image would replace the page.
        event.preventDefault()
        return true
      },
      transformPastedHTML (html) {
        origins.clear()
        if (!html.includes(imageMark)) return html
        // Nothing of this page is loaded or run: it is never shown.
        for (const figure of new DOMParser().parseFromString(html, 'text/html').querySelectorAll(`figure[${imageMark}]`)) {
          const { file, document } = markOf(figure)
          if (typeof file === 'string' && typeof document === 'string' && document !== open.id) origins.set(file, document)
        }
        return html
      },
      transformPasted (slice, view) {
        if (origins.size === 0) return slice
        return withCopies(slice, (node) => {
          const from = origins.get(String(node.attrs.file))
          const attributes = imageOf(node.attrs)
          if (from === undefined || attributes === undefined) return node
          const copy = { ...attributes, file: randomText(32), key: randomText(32) }
          void import('./put-in.ts').then(({ copyIn }) => copyIn({ view, open, say }, from, attributes, copy)).catch(failed)
          return schema.nodes.image.create(copy)
        })
      },
      handleDoubleClickOn (view, _position, node, place) {
        if (node.type !== schema.nodes.image || !view.editable) return false
        view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, place)))
        return view.dom.dispatchEvent(new Event(descriptionWanted))
      }
    }
  })
}

export function imageSource ({ id, connection }: OpenDocument): ImageSource {
  return {
    documentId: id,
    onBack (listener) {
      let { status } = connection.getState().connection
      return connection.subscribe(() => {
        const before = status
        status = connection.getState().connection.status
        if (status === 'live' && before !== 'live') listener()
      })
    }
  }
}

function viewOf ({ attrs }: Node, source: ImageSource): NodeView {
  const attributes = imageOf(attrs)
  if (attributes === undefined) return { dom: document.createElement('figure') }
  const shown = new ShownImage(source, attributes)
  return {
    dom: shown.dom,
    update: ({ type, attrs: next }) => type === schema.nodes.image && shown.update(imageOf(next)),
    destroy: () => shown.destroy()
  }
}

function imagesIn (data: DataTransfer | null): File[] {
  return [...data?.files ?? []].filter(({ type }) => type.startsWith('image/'))
}

/** Whether the HTML beside an image has words: then the image is only a picture of them, as that of the cells of a spreadsheet. */
function saysMore (html: string): boolean {
  return html.includes(imageMark) || (new DOMParser().parseFromString(html, 'text/html').body.textContent?.trim() ?? '') !== ''
}

function withCopies (slice: Slice, copyOf: (image: Node) => Node): Slice {
  const inside = (content: Fragment): Fragment => Fragment.from(content.content.map((node) => {
    if (node.type === schema.nodes.image) return copyOf(node)
    return node.isTextblock || node.isLeaf ? node : node.copy(inside(node.content))
  }))
  return new Slice(inside(slice.content), slice.openStart, slice.openEnd)
}
