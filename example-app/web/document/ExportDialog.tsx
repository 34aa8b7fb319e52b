import { useState } from 'react'
import { copyOf } from '../device/new-document.ts'
import { writeHtml } from '../editor/html.ts'
import { writeMarkdown } from '../editor/markdown.ts'
import { Reading } from '../editor/reading.ts'
import { loadImage } from '../files/load-image.ts'
import { documentHref } from '../route.ts'
import type { OpenDocument } from '../sync/open-document.ts'
import { titleOf } from '../sync/title.ts'
import { Dialog } from '../ui/Dialog.tsx'
import { saveFile } from '../ui/save-file.ts'
import { texts } from '../words/index.ts'

/** The document as a file, on paper, or as a new document. */
export default function ExportDialog ({ open, onClose }: { open: OpenDocument, onClose: () => void }) {
  const [failed, setFailed] = useState(false)
  /** Images that are not in the file that was saved last. */
  const [missing, setMissing] = useState(0)
  const title = titleOf(open.doc) || texts().untitled
  const name = title.replaceAll(/[^\p{L}\p{N} _-]+/gu, '').trim().slice(0, 80) || texts().document.fileName

  const copy = async () => {
    const { id } = await copyOf(open.doc, { from: open.id, title: texts().copyOf(title) })
    onClose()
    location.hash = documentHref(id)
  }

  const markdown = () => saveFile(`${name}.md`, 'text/markdown', `# ${title}\n\n${writeMarkdown(new Reading().document(open.body))}\n`)
  const html = async () => {
    const { html, missing } = await writeHtml(title, new Reading().document(open.body), (image) => loadImage(open.id, image))
    saveFile(`${name}.html`, 'text/html', html)
    setMissing(missing)
  }
  // Not with the dialog on it.
  const print = () => {
    onClose()
    setTimeout(() => window.print())
  }

  return (
    <Dialog title={texts().document.export} onClose={onClose}>
      <p>{texts().document.exportNote} {texts().images.exportNote}</p>
      <div className='export'>
        <button type='button' className='button' onClick={markdown}>{texts().document.markdown}</button>
        <button type='button' className='button' onClick={() => { html().catch(() => setFailed(true)) }}>{texts().document.html}</button>
        <button type='button' className='button' onClick={print}>{texts().document.print}</button>
        <button type='button' className='button' onClick={() => { copy().catch(() => setFailed(true)) }}>{texts().copyToNew}</button>
      </div>
      {missing > 0 && <p className='trouble' role='alert'>{texts().images.exportMissing(missing)}</p>}
      {failed && <p className='trouble' role='alert'>{texts().document.copyFailed}</p>}
    </Dialog>
  )
}
